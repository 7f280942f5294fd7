import type { KnownDifference } from './known-difference.ts';

const dockerName = 'runner-dockersid-project-<project>-concurrent-0';
const parts =
  '{bash/helper,bash/script,bash/after,sh only/script,sh only/after,non-root image/script,non-root image/after}';
/** Of the jobs that ask with no prefix. */
const alone = '{image:docker:user,user in groups}';
const gone = /^cat: .*No such file or directory\nexit code 1$/;
const ended = /\nbulkhead: GitLab Runner ended this stage: [^\n]* \(terminated\)$/;
const nothingSaid = 'Executing "step_script" stage of the job script';
/** Podman's attach, when the container ends with input still on its way. */
const undelivered = new RegExp(
  `^${nothingSaid}\\nError: (?:read|write) unixpacket \\S+->\\S+: (?:read|write): (?:connection reset by peer|broken pipe)$`,
);

/** Every difference that differences.test.ts may see. docs/differences.md shows it; document.ts writes it there. */
export const knownDifferences: readonly KnownDifference[] = [
  {
    theme: 'Images',
    what: 'An image that does not exist, or has no shell',
    docker: "is the runner's failure (`runner_system_failure`), after three tries",
    bulkhead: "is the job's failure (`script_failure`), at once",
    why: 'Only the job can mend it. The trace says what to do ([errors](errors.md)).',
    facts: {
      '{no such image,image without a shell}/state': [
        'failed, failure reason runner_system_failure, exit code none',
        'failed, failure reason script_failure, exit code 1',
      ],
    },
  },
  {
    theme: 'Images',
    what: 'An entrypoint that does not exist',
    docker: "is the runner's failure (`runner_system_failure`)",
    bulkhead: "is the job's failure (`script_failure`, exit code 127)",
    why: 'Only the job can mend it.',
    facts: {
      'no such entrypoint/state': [
        'failed, failure reason runner_system_failure, exit code none',
        'failed, failure reason script_failure, exit code 127',
      ],
    },
  },
  {
    theme: 'Scripts',
    what: 'Standard input and `$0`',
    docker: 'the script arrives on standard input; `$0` is the shell',
    bulkhead: 'the script is a file, `$0` its path; standard input is `/dev/null`',
    why: 'No command can eat the rest of the script. Commands that read find the end at once, in both.',
    facts: {
      [`${parts}.shell`]: [/^\/(?:usr\/)?bin\/(?:ba)?sh \w*s\w* 0/, /^\/bulkhead\/scripts\/<id> \w* 0/],
      [`${alone}/shell`]: [/^\/usr\/bin\/bash \w*s\w* 0 bash$/, /^\/bulkhead\/scripts\/<id> \w* 0 bash$/],
      [`${parts}.standard input`]: [/^(?:pipe|host):\[<n>\]\n0$/, '/dev/null\n0'],
      [`${alone}/standard input`]: [/^(?:pipe|host):\[<n>\]\n0$/, '/dev/null\n0'],
    },
  },
  {
    theme: 'Scripts',
    what: 'Files outside of `/builds`, in `after_script`',
    docker: 'gone with gVisor: the container is started again for it, and gVisor begins anew. There with runc',
    bulkhead: 'there, also in `/dev/shm`',
    why: 'The sandbox lives as long as the job.',
    facts: {
      'bash/after.file in {/tmp,the home folder,/opt,/dev/shm}': [gone, 'kept'],
      '{sh only,non-root image}/after.file in {/tmp,the home folder,/dev/shm}': [gone, 'kept'],
    },
  },
  {
    theme: 'Scripts',
    what: 'Files that an earlier job left in the project folder',
    docker:
      'may be there: with `GIT_STRATEGY: fetch` the folder is kept for the next job in the same slot of the runner',
    bulkhead: 'never there: each job has a folder of its own, and clones',
    why: 'What one job leaves may not reach another. Keep what is worth keeping in `cache:`.',
    facts: {
      'the next job of a project/left by the job before': ['made\nuntracked', /^ls: [\s\S]*exit code 2$/],
      'the next job of a project/trace of get_sources': [
        /\nReinitialized existing Git repository in /,
        /\nInitialized empty Git repository in /,
      ],
    },
  },
  {
    theme: 'Scripts',
    what: 'A script that kills its own shell with `KILL`',
    docker: 'ends with nothing in the trace',
    bulkhead: 'ends with `Killed`',
    why: 'Exit code 137 in both.',
    facts: { 'killed/trace of step_script': [/\$ kill -9 \$\$$/, /\$ kill -9 \$\$\nKilled$/] },
  },
  {
    theme: 'Scripts',
    what: 'An entrypoint that ends before it has read the script',
    docker:
      'Podman may write `Error: write unixpacket …: broken pipe` (or `read …: connection reset by peer`) into the trace',
    bulkhead: 'nothing in the trace',
    why: 'Podman tells whoever brings the input that nobody takes it. The job ends the same.',
    // A race of Podman's own between the input and the end of the container's monitor: its API alone shows it, too.
    facts: { 'entrypoint that runs nothing/trace of step_script': [undelivered, nothingSaid] },
    notAlways: true,
  },
  {
    theme: 'Scripts',
    what: 'A stage that is canceled or out of time',
    docker: 'gets `TERM` process by process, the newest first; nothing in the trace',
    bulkhead: 'gets `TERM` in all processes at once; a line in the trace says why',
    why: 'State, failure reason and `after_script` are the same.',
    facts: { '{canceled,script timeout,job timeout}/trace of step_script': [/(?:caught|Terminated)$/, ended] },
  },
  {
    theme: 'Sandbox',
    what: 'Host name',
    docker: '`runner-<token>-project-<id>-concurrent-<n>`',
    bulkhead: '`job-<id>`',
    why: "Says nothing of the runner. `HOSTNAME`, `/etc/hosts` and the trace's `Running on …` go with it.",
    facts: {
      [`${parts}.hostname`]: [dockerName, 'job-<job>'],
      [`${alone}/hostname`]: [dockerName, 'job-<job>'],
      'bash/{helper,script}.env HOSTNAME': [dockerName, 'job-<job>'],
      'bash/{helper,script}.hosts file': [/\trunner-dockersid-\S+ runner-\S+$/, /\tjob-<job> bulkhead-<job>-<id>-\w+$/],
    },
  },
  {
    theme: 'Sandbox',
    what: 'Capabilities of root',
    docker: "Podman's thirteen, among them `SETFCAP` and `MKNOD`",
    bulkhead:
      "the policy's; `baseline` gives `CHOWN`, `DAC_OVERRIDE`, `FOWNER`, `FSETID`, `KILL`, `NET_BIND_SERVICE`, `SETGID`, `SETUID`",
    why: 'Enough to install packages and to listen on any port.',
    facts: {
      'bash/helper.status Cap{Prm,Eff,Bnd}': ['00000000a80405fb', '000000000000003b'],
      'bash/script.status Cap{Prm,Eff,Bnd}': ['00000000a80405fb', '00000000000004fb'],
    },
  },
  {
    theme: 'Sandbox',
    what: 'Setuid programs of users other than root, such as `sudo`',
    docker: "work, as far as gVisor's release has them",
    bulkhead: 'change nothing: `no_new_privs` is set',
    why: 'Run as root from the start what needs root.',
    facts: {
      'setuid program/becomes': [/^(?:0$|su: can't set groups)/, /^su: must be suid to work properly\n/],
      'bash/{helper,script}.status NoNewPrivs': ['0', '1'],
    },
    notAlways: true,
  },
  {
    theme: 'Sandbox',
    what: 'Mounts',
    docker: '`/builds` and `/cache`',
    bulkhead: 'these, `/bulkhead` (read-only), and a `/tmp` of a size that the policy says (2 GiB)',
    why: "Init and scripts lie in `/bulkhead`, where no job can change them. The helper also has the runner's binary.",
    facts: {
      // As gVisor's releases write it.
      'bash/{helper,script}.mount /bulkhead': ['(absent)', /^ro(,nosuid)?$/],
      'bash/helper.mount /usr/local/bin/gitlab-runner': ['(absent)', 'ro'],
      'bash/{helper,script}.mount /tmp': ['rw', /^rw(,size=2147483648|,nosuid,size=2097152k)$/],
    },
  },
  {
    theme: 'Sandbox',
    what: 'First process',
    docker: "the shell, or the image's entrypoint",
    bulkhead: 'an init, which reaps what ends',
    why: 'What a stage leaves running is killed at its end, in both. An entrypoint that insists on being it fails: `entrypoint: [""]`.',
    facts: { 'bash/script.first process': ['/usr/bin/bash', '/bulkhead/init'] },
  },
  {
    theme: 'Sandbox',
    what: 'Core dumps',
    docker: 'as large as they get',
    bulkhead: 'none',
    why: 'The policy says so (`ulimits`).',
    facts: { 'bash/{helper,script}.limit Max core file size': [/^unlimited unlimited/, /^0 0/] },
  },
  {
    theme: 'Sandbox',
    what: 'Groups of a user given by number only',
    docker: 'the first one is listed as a further one, too',
    bulkhead: 'it is not',
    why: 'No difference in rights. Groups that `/etc/group` of the image gives a user by name are there in both.',
    facts: {
      'non-root image/{script,after}.user': [/ groups=1000\(user\)$/, 'uid=1000(user) gid=1000(user)'],
    },
  },
  {
    theme: 'Sandbox',
    what: 'Network',
    docker: 'one that all containers without one of their own share',
    bulkhead: "the job's own, with a name server",
    why: 'Jobs do not see each other. Containers of the job find each other by name; `/etc/resolv.conf` shows that.',
    facts: { 'bash/{helper,script}.name servers': [/^nameserver <ip>$/, /^search dns\.podman\nnameserver <ip>/] },
  },
  {
    theme: 'Variables',
    what: '`CI_DISPOSABLE_ENVIRONMENT`, `CI_SHARED_ENVIRONMENT`',
    docker: 'the first is `true`, the second not set',
    bulkhead: 'the second is `true`, the first not set',
    why: 'GitLab Runner sets them for its Custom executor, whatever the driver. Set `environment = ["CI_DISPOSABLE_ENVIRONMENT=true"]` in `[[runners]]`.',
    facts: {
      'bash/{helper,script}.env CI_DISPOSABLE_ENVIRONMENT': ['true', '(absent)'],
      'bash/{helper,script}.env CI_SHARED_ENVIRONMENT': ['(absent)', 'true'],
    },
  },
  {
    theme: 'The trace',
    what: 'Preparation',
    docker: 'pull policies and image ids, before several stages',
    bulkhead: 'the policy, the image, and a folded section with the sandboxes and what was proven of them',
    why: 'See [guarantees](guarantees.md).',
    facts: {
      'failing/trace of prepare_executor': [
        /^Preparing the "docker" executor\nUsing Docker executor with image /,
        /^Preparing the "custom" executor\nUsing Custom executor with driver Bulkhead [\d.]+\.\.\.\nUsing policy "baseline" \(assignments\.json:\d+\) \.\.\.\nUsing image \S+ \([0-9a-f]{12}\) \.\.\.$/,
      ],
      'failing/trace of bulkhead_sandboxes': ['(absent)', /^Isolation proven: /],
      'failing/trace of prepare_script': [
        /\nRunning on runner-dockersid-/,
        /^Preparing environment\nRunning on job-<job> via /,
      ],
    },
  },
  {
    theme: 'The trace',
    what: "The runner's words",
    docker: '`exit code 3`; `Container … disconnected from network …`',
    bulkhead: '`exit status 3`; a warning that the stage `build_script` will have another name',
    why: 'GitLab Runner writes them for its Custom executor. The job fails with the same code.',
    facts: {
      'failing/trace of (outside)': [
        /WARNING: after_script failed, but job will continue unaffected: exit code 5\n[\s\S]*ERROR: Job failed: exit code 3$/,
        /WARNING: after_script failed, but job will continue unaffected: exit status 5\nERROR: Job failed: exit status 3$/,
      ],
      'failing/trace of step_script': [
        /\nUsing docker image [\s\S]*\nout\n[\s\S]*\nerr\n/,
        /\nWARNING: Starting with version 17\.0 the 'build_script' stage [\s\S]*\nout\n[\s\S]*\nerr\n/,
      ],
    },
  },
];
