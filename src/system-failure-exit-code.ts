const configured = Number.parseInt(process.env['SYSTEM_FAILURE_EXIT_CODE'] ?? '', 10);

/** GitLab Runner's exit code for "not the job's fault"; 2 where nobody says otherwise. */
export const systemFailureExitCode = configured > 0 && configured < 256 ? configured : 2;
