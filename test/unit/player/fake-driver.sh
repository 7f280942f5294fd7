#!/bin/sh
# A driver without a sandbox: scripts run right here, under FAKE_ROOT. FAKE_* say how it misbehaves.
echo "$1" >> "$FAKE_ROOT/calls"
case "$1" in
config)
  echo 'talk of config' >&2
  if [ -n "$FAKE_CONFIG" ]; then printf '%s' "$FAKE_CONFIG"; exit 0; fi
  printf '{"driver":{"name":"fake","version":"1"},"hostname":"fakehost","builds_dir":"%s/builds",' "$FAKE_ROOT"
  printf '"cache_dir":"%s/cache","job_env":{"FROM_CONFIG":"yes"},"shell":"%s"}' "$FAKE_ROOT" "${FAKE_SHELL:-bash}"
  ;;
prepare)
  echo 'preparing'
  if [ -n "$FAKE_PREPARE_FAILS" ] && [ "$(grep -c prepare "$FAKE_ROOT/calls")" -le "$FAKE_PREPARE_FAILS" ]; then
    echo 'prepare is broken' >&2
    exit "${FAKE_PREPARE_CODE:-$SYSTEM_FAILURE_EXIT_CODE}"
  fi
  ;;
run)
  echo "$3" >> "$FAKE_ROOT/stages"
  eval "$FAKE_RUN"
  rm -f "$BUILD_EXIT_CODE_FILE"
  "${FAKE_SHELL:-bash}" "$2"
  code=$?
  if [ "$code" -ne 0 ]; then
    echo "$code" > "$BUILD_EXIT_CODE_FILE"
    exit "$BUILD_FAILURE_EXIT_CODE"
  fi
  ;;
cleanup)
  echo 'cleanup talks' >&2
  ;;
esac
