/**
 * A line for each sign of each symptom that has some: as the sources named in src/diagnosis/symptoms print it, or as it was seen in a sandbox.
 * Those of the host stand in an error of the driver.
 */
export const samples: Readonly<Record<string, readonly string[]>> = {
  'subordinate-ids-missing': [
    'writing blob: adding layer with blob "sha256:8d3e": processing tar file(potentially insufficient UIDs or GIDs available in user namespace (requested 0:42 for /etc/gshadow): Check /etc/subuid and /etc/subgid if configured locally and run "podman system migrate": lchown /etc/gshadow: invalid argument): exit status 1',
    'lchown /etc/gshadow: invalid argument',
    'Cannot find mappings for user "bulkhead": no subuid ranges found for user "bulkhead" in /etc/subuid',
  ],
  'idmap-tools-missing': [
    'command required for rootless mode with multiple IDs: exec: "newuidmap": executable file not found in $PATH',
    'finding newuidmap: executable file not found in $PATH',
  ],
  'storage-not-overlay': [
    "'overlay' is not supported over zfs, a mount_program is required: backing file system is unsupported for this graph driver",
    'kernel does not support overlay fs: operation not permitted',
    'User-selected graph driver "overlay" overwritten by graph driver "vfs" from database - delete libpod local files ("/srv/storage") to resolve.',
  ],
  'netstack-refused': [
    'starting container: starting sandbox: setting up network: cannot run with network enabled in root network namespace',
  ],
  'runtime-not-found': [
    'no valid executable found for OCI runtime runsc: invalid argument',
    'default OCI runtime "runsc" not found: invalid argument',
  ],
  'pasta-unusable': [
    'could not find pasta, the network namespace can\'t be configured: exec: "pasta": executable file not found in $PATH',
    'pasta failed with exit code 1:',
  ],
  'subnets-used-up': ['could not find free subnet from subnet pools'],
  'host-disk-full': ['writing blob: storing blob to file "/var/tmp/storage1/1": no space left on device'],
  'registry-rate-limit': [
    'reading manifest 12 in docker.io/library/debian: toomanyrequests: You have reached your pull rate limit.',
    'reading manifest 12 in docker.io/library/debian: too many requests to registry',
  ],
  'registry-certificate': ['Get "https://registry.example.com/v2/": x509: certificate signed by unknown authority'],
  'host-clock-wrong': [
    'Get "https://registry.example.com/v2/": x509: certificate has expired or is not yet valid: current time 1970-01-01T00:00:10Z is before 2026-01-01T00:00:00Z',
  ],
  'registry-unreachable': [
    'initializing source docker://registry.example.com/a:1: pinging container registry registry.example.com: Get "https://registry.example.com/v2/": dial tcp 192.0.2.1:443: i/o timeout',
  ],
  'podman-socket-missing': ['the Podman service does not answer (ping): connect ENOENT /run/bulkhead/podman.sock'],
  'podman-socket-closed': ['the Podman service does not answer (ping): connect EACCES /run/bulkhead/podman.sock'],
  'podman-service-down': ['the Podman service does not answer (ping): connect ECONNREFUSED /run/bulkhead/podman.sock'],
  'cgroup-version-1': [
    'the policy requires what this host does not give: limits.memory (this host uses cgroup version 1 (or both versions at once), whose limits rootless Podman cannot use)',
  ],
  'cgroup-not-delegated': [
    'the policy requires what this host does not give: limits.cpu (systemd does not delegate the cgroup controllers cpu to the user 999)',
  ],
  'user-session-missing': [
    'the policy requires what this host does not give: limits.pids (systemd keeps no session with a bus for the user 999 that owns Podman)',
  ],
  'sandbox-gone': ['waiting on PID 7 in sandbox "0a1b2c": urpc method "containerManager.WaitPID" failed: EOF'],

  'driver-killed': [
    'ERROR: Job failed (system failure): unknown Custom executor executable exit code -1; executable execution terminated with: signal: killed',
  ],
  'driver-exit-code': [
    'ERROR: Job failed (system failure): unknown Custom executor executable exit code 127; executable execution terminated with: exit status 127',
  ],
  'driver-not-built': [
    'bulkhead: ERROR: cannot start: /opt/bulkhead/bin/../dist/bulkhead.cjs or Node.js (node) is missing',
  ],
  'driver-not-found': [
    'ERROR: Preparation failed: failed to start command: fork/exec /opt/bulkhead/bin/bulkhead: no such file or directory',
  ],
  'custom-not-configured': [
    'ERROR: Job failed: custom executor not configured',
    'ERROR: Job failed: custom executor is missing RunExec',
  ],
  'config-output-invalid': [
    "ERROR: Preparation failed: error while parsing JSON output: invalid character 'W' looking for beginning of value",
  ],
  'cleanup-failed': ['WARNING: Cleanup script failed: exit status 2'],
  'driver-not-ending': [
    'ERROR: Job failed (system failure): failed to kill process PID=4242, likely process is dormant',
    'WARNING: Timed out waiting for the build to finish',
  ],
  'prepare-timeout': ['ERROR: Job failed: prepare timeout: exceeded timeout of 5m0s'],
  'get-sources-timeout': ['ERROR: Job failed: get sources timeout: exceeded timeout of 5m0s'],
  'job-timeout': [
    'ERROR: Job failed: execution took longer than 3600 seconds',
    'WARNING: step_script could not run to completion because the timeout was exceeded. For more control over job and script timeouts see: https://docs.gitlab.com/ci/runners/configure_runners/#set-script-and-after_script-timeouts',
  ],
  'runner-stopped': ['ERROR: Job failed: aborted: terminated'],
  'log-cut': ["Job's log exceeded limit of 4194304 bytes."],
  'runner-binary-missing': ['Missing gitlab-runner. Uploading artifacts is disabled.'],
  'prepare-script-failed': [
    'ERROR: Job failed: prepare environment: exit status 1. Check https://docs.gitlab.com/runner/shells/#shell-profile-loading for more information',
  ],
  'script-exit-137': ['ERROR: Job failed: exit status 137'],
  'script-exit-127': ['ERROR: Job failed: exit status 127'],
  'script-exit-126': ['ERROR: Job failed: exit status 126'],

  'service-memory': [
    'bulkhead: WARNING: Service "redis:7" (services[0]) is gone: the kernel ended it at limits.serviceMemory of policy "baseline"',
    'the service ended with exit code 137: the kernel ended it at limits.serviceMemory of policy "baseline"',
  ],
  'service-not-up': ["*** WARNING: Service redis:7 probably didn't start properly."],
  'listed-name-unresolved': [
    'bulkhead: WARNING: gitlab.invalid, which the policy allows, cannot be resolved: getaddrinfo ENOTFOUND gitlab.invalid',
  ],
  'disk-unwatched': ['bulkhead: WARNING: limits.disk of policy "baseline" is not watched: spawn nsenter ENOENT'],

  'no-new-privileges': ['sudo: The "no new privileges" flag is set, which prevents sudo from running as root.'],
  'docker-daemon-missing': [
    'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?',
    'failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if the daemon is running',
  ],
  'nested-container': [
    'unshare: unshare failed: Operation not permitted',
    'unshare: unshare(0x20000): Operation not permitted',
    'cannot clone: Operation not permitted',
  ],
  'fuse-unusable': [
    "fuse: device not found, try 'modprobe fuse' first",
    '/usr/bin/fusermount3: mount failed: Operation not permitted',
  ],
  'mount-denied': ['mount: /mnt: permission denied.', 'mount: permission denied (are you root?)'],
  'io-uring-missing': ['io_uring_queue_init: Function not implemented', 'io_uring_setup: Operation not permitted'],
  'perf-unusable': ['perf_event_open: No such device', 'perf_event_open failed: Operation not permitted'],
  'ptrace-denied': [
    'strace: test_ptrace_get_syscall_info: PTRACE_TRACEME: Operation not permitted',
    'ptrace: Operation not permitted.',
  ],
  'kvm-missing': ['Could not access KVM kernel module: No such file or directory'],
  'raw-socket-denied': [
    'ping: permission denied (are you root?)',
    'traceroute: socket: Operation not permitted',
    "OSError(97, 'Address family not supported by protocol')",
  ],
  'network-setup-denied': ['ip: RTNETLINK answers: Permission denied', 'RTNETLINK answers: Operation not permitted'],
  'read-only': ["touch: cannot touch '/bulkhead/x': Read-only file system"],
  'syscall-missing': ['userfaultfd: Function not implemented'],

  'tls-authority-unknown': [
    "fatal: unable to access 'https://gitlab.example.com/a/b.git/': server certificate verification failed. CAfile: none CRLfile: none",
    'curl: (60) SSL certificate problem: unable to get local issuer certificate',
    'curl: (60) SSL certificate problem: self-signed certificate in certificate chain',
    'WARNING: Uploading artifacts to coordinator... error: Post "https://gitlab.example.com/": x509: certificate signed by unknown authority',
  ],
  'clock-wrong': [
    "fatal: unable to access 'https://gitlab.example.com/a/b.git/': SSL certificate problem: certificate is not yet valid",
    'Get "https://example.com/": x509: certificate has expired or is not yet valid: current time 1970-01-01T00:00:10Z is before 2026-01-01T00:00:00Z',
  ],
  'name-unresolved': [
    "fatal: unable to access 'https://no-such-host.example/x.git/': Could not resolve host: no-such-host.example",
    'socket.gaierror: [Errno -2] Name or service not known',
    'curl: Temporary failure in name resolution',
    'dial tcp: lookup redis on 10.89.0.1:53: no such host',
  ],
  'egress-refused': [
    "OSError(113, 'No route to host')",
    "fatal: unable to access 'https://10.9.8.7/x.git/': Failed to connect to 10.9.8.7 port 443 after 0 ms: Couldn't connect to server",
  ],
  'fork-refused': [
    '/bulkhead/scripts/5a1284ae28430be1: fork: retry: Resource temporarily unavailable',
    "/bulkhead/scripts/244ee0f42857d653: line 0: can't fork: Resource temporarily unavailable",
  ],
  'out-of-memory': ['fork: Cannot allocate memory', 'dd: out of memory', 'MemoryError'],
  'process-killed': [
    "/bulkhead/scripts/3f0ecae1e14105ea: line 44:    34 Killed                  sh -c 'kill -KILL $$'",
  ],
  'disk-full': ["dd: error writing '/dev/shm/big': No space left on device"],
  'file-too-large': ['File size limit exceeded'],
  'exec-format': ['/bulkhead/scripts/3f0ecae1e14105ea: line 46: /tmp/e: cannot execute binary file: Exec format error'],
  'repository-owner': ["fatal: detected dubious ownership in repository at '/tmp/r'"],
  'git-credentials': ["fatal: Authentication failed for 'https://gitlab.example.com/a/b.git/'"],
  'program-missing': [
    '/bulkhead/scripts/3f0ecae1e14105ea: line 47: git: command not found',
    '/bulkhead/scripts/244ee0f42857d653: line 2: fsync: not found',
  ],
};
