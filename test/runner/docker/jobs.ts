import type { JobInput } from '../../../src/player/job.ts';
import { variable } from '../../../src/player/variables.ts';
import { images } from '../../integration/host.ts';
import { ask, files, leave, left, machine, network, privileges, surroundings, whoAndWhere } from './fact-script.ts';
import type { ComparisonImages } from './images.ts';

export interface ComparedJob {
  readonly input: JobInput;
  /** A job that is played before it. */
  readonly before?: JobInput;
  /** Cancel it once its trace holds this text. */
  readonly cancelAfter?: string;
  /** What of its trace is compared: `of the job` unless said. */
  readonly trace?: 'whole' | 'answers';
}

const catchesTerm = [
  'import signal, sys, time',
  'signal.signal(signal.SIGTERM, lambda *_: (print("caught", flush=True), sys.exit(7)))',
  'print("ready", flush=True)',
  'time.sleep(60)',
].join('; ');

/** Name → job. Each is played in a project of its own: executors may keep things for the next job of one. */
export function comparedJobs(own: ComparisonImages, sha: string): Readonly<Record<string, ComparedJob>> {
  const git = { sha, depth: 20 };
  const kept: JobInput = {
    git,
    image: images.python,
    cache: [{ key: 'default', paths: ['kept'], policy: 'pull-push', when: 'on_success' }],
    artifacts: [{ name: 'result', paths: ['made'], when: 'on_success' }],
    script: ['umask 0077; mkdir kept; echo 1 >kept/file; echo 1 >made; echo 1 >untracked'],
  };
  return {
    'sh only': {
      input: {
        script: [ask('script.', { ...whoAndWhere, 'search path': 'echo "$PATH"' }), ...leave],
        afterScript: [ask('after.', { ...whoAndWhere, ...left })],
      },
      trace: 'answers',
    },
    'image:docker:user': {
      input: { image: { name: images.python, user: '1000:1000' }, script: [ask('', whoAndWhere)] },
      trace: 'answers',
    },
    'user in groups': { input: { image: own.member, script: [ask('', whoAndWhere)] }, trace: 'answers' },
    'setuid program': {
      // Its own user is root by another name, which has no capabilities here.
      input: {
        image: { name: images.insider, user: '0' },
        script: [ask('', { becomes: `su user -c '/opt/su -c "id -u"'` })],
      },
      trace: 'answers',
    },
    entrypoint: {
      input: {
        image: own.entrypoint,
        script: ['echo "FROM_ENTRYPOINT is ${FROM_ENTRYPOINT:-unset}"'],
        afterScript: ['echo "FROM_ENTRYPOINT is ${FROM_ENTRYPOINT:-unset}"'],
      },
    },
    'image:entrypoint': {
      input: {
        image: { name: own.entrypoint, entrypoint: ['env', 'FROM_ENTRYPOINT=job'] },
        script: [ask('', { variable: 'echo "${FROM_ENTRYPOINT:-unset}"' })],
      },
      trace: 'answers',
    },
    'entrypoint with variables': {
      input: {
        image: {
          name: images.busybox,
          entrypoint: ['sh', '-c', 'export FROM_ENTRYPOINT="$OF_JOB $OF_FILE $CI_PROJECT_DIR"; exec "$0" "$@"'],
        },
        variables: [variable('OF_JOB', `it's "here"`), variable('OF_FILE', 'content', { file: true })],
        script: [ask('', { variable: 'echo "$FROM_ENTRYPOINT"' })],
      },
      trace: 'answers',
    },
    'entrypoint that only starts a shell': {
      input: {
        image: { name: images.python, entrypoint: ['/bin/sh', '-c'] },
        script: [ask('', { input: 'cat; echo end' }), 'exit 4'],
        afterScript: [ask('after.', { input: 'cat; echo end' })],
      },
      trace: 'answers',
    },
    'entrypoint that runs nothing': {
      input: { image: { name: images.busybox, entrypoint: ['true'] }, script: ['exit 1'] },
    },
    'no such entrypoint': {
      input: { image: { name: images.busybox, entrypoint: ['/no/such'] }, script: ['true'] },
      trace: 'answers',
    },
    bash: {
      input: {
        image: images.python,
        git,
        variables: [
          variable('SETTINGS', 'one\ntwo', { file: true }),
          variable('QUOTES', `it's "here" $HOME \\`, { raw: true }),
          variable('LINES', 'one\ntwo'),
          variable('EMPTY', ''),
        ],
        hooks: [
          {
            name: 'pre_get_sources_script',
            script: [
              ask('helper.', { ...whoAndWhere, ...surroundings, ...network, config: 'git config --global --list' }),
            ],
          },
        ],
        script: [
          ask('script.', { ...whoAndWhere, ...surroundings, ...machine, ...privileges, ...network, ...files }),
          ask('script.', {
            'file variable': 'stat -c "%A %u:%g" "$SETTINGS"; cat "$SETTINGS"',
          }),
          ...leave,
        ],
        afterScript: [ask('after.', { ...whoAndWhere, ...left, status: 'echo "$CI_JOB_STATUS"' })],
      },
    },
    'non-root image': {
      input: {
        image: images.busyboxNonRoot,
        git,
        script: [ask('script.', { ...whoAndWhere, ...files }), ...leave],
        afterScript: [ask('after.', { ...whoAndWhere, ...left })],
      },
      trace: 'answers',
    },
    'surroundings of the image': {
      input: {
        image: own.surroundings,
        variables: { SHADOWED: 'job' },
        hooks: [{ name: 'post_get_sources_script', script: ['true'] }],
        script: [
          ask('', {
            'env=': 'env | sort | grep -E "^(HOME|GREETING|SHADOWED|LANG|PATH|BASH_ENV|FROM_|OLDPWD|PWD|SHLVL|_)"',
            'working directory': 'echo "$OLDPWD"; pwd',
          }),
        ],
      },
      trace: 'answers',
    },
    failing: {
      input: {
        image: images.python,
        script: ['echo out; sleep 0.5', 'echo err >&2; sleep 0.5', '(exit 3)', 'echo never'],
        afterScript: ['echo "status $CI_JOB_STATUS"', 'exit 5', 'echo never'],
      },
      trace: 'whole',
    },
    killed: { input: { image: images.python, script: ['kill -9 $$'] } },
    'kills its parent': { input: { image: images.python, script: ['kill -9 $PPID; sleep 2', 'echo still here'] } },
    terminated: { input: { image: images.python, script: ['kill -TERM $$; sleep 1', 'echo still here'] } },
    'left running': {
      input: { image: images.python, script: ['sleep 4242 &', 'echo done'], afterScript: [ask('after.', left)] },
    },
    'reads its input': {
      input: { image: images.python, script: ['cat', 'read -r line || echo "no line"', 'echo done'] },
    },
    canceled: {
      input: {
        image: images.python,
        script: ['echo waiting', `python3 -c '${catchesTerm}'`],
        afterScript: ['echo "status $CI_JOB_STATUS"'],
      },
      cancelAfter: '\nready\n',
    },
    'script timeout': {
      input: {
        image: images.python,
        variables: { RUNNER_SCRIPT_TIMEOUT: '6s' },
        script: ['echo waiting', 'sleep 60'],
        afterScript: ['echo "status $CI_JOB_STATUS"'],
      },
    },
    'job timeout': { input: { timeout: 45, script: ['echo waiting', 'sleep 60'], afterScript: ['echo after'] } },
    'no such image': { input: { image: 'localhost/bulkhead/absent:1' }, trace: 'answers' },
    'image without a shell': { input: { image: images.noShell }, trace: 'answers' },
    service: {
      input: {
        services: [
          {
            name: images.busybox,
            alias: 'web',
            command: ['sh', '-c', 'echo hi >/tmp/index.html; httpd -f -p 80 -h /tmp'],
          },
        ],
        script: [ask('', { answer: 'wget -q -O - http://web/' })],
      },
      trace: 'answers',
    },
    'cache and artifacts': { input: kept },
    'the next job of a project': {
      before: kept,
      input: {
        ...kept,
        artifacts: [],
        variables: { GIT_CLEAN_FLAGS: 'none' },
        script: [
          ask('', { cached: 'stat -c "%A %u:%g %n" kept/file', 'left by the job before': 'ls -d untracked made' }),
        ],
      },
    },
  };
}
