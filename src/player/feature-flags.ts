/** The runner's feature flags that change what the player does, with the runner's defaults (helpers/featureflags). */
export const featureFlags = {
  FF_CLEAN_UP_FAILED_CACHE_EXTRACT: true,
  FF_ENABLE_BASH_EXIT_CODE_CHECK: false,
  FF_ENABLE_JOB_CLEANUP: false,
  FF_POSIXLY_CORRECT_ESCAPES: false,
  FF_SCRIPT_SECTIONS: false,
  FF_USE_GIT_NATIVE_CLONE: true,
  FF_USE_GIT_PROACTIVE_AUTH: true,
  FF_USE_LEGACY_BASH_EVAL: false,
} as const;

export type FeatureFlag = keyof typeof featureFlags;
