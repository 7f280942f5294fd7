/** Fact → a shell command that prints it. */
export type Questions = Readonly<Record<string, string>>;

/**
 * One script entry that asks them all, each in a shell of its own. What facts.ts reads: a line `@@ <name>` before each
 * answer, and `@@` after the last. As one entry of several lines, the runner echoes only the first of them.
 */
export function ask(prefix: string, questions: Questions): string {
  const blocks = Object.entries(questions).map(
    ([name, command]) => `printf '\\n@@ %s\\n' '${prefix}${name}'\n( ${command}\n) 2>&1 || echo "exit code $?"`,
  );
  return ['true # questions', ...blocks, "printf '\\n@@\\n'"].join('\n');
}

/** Who and where a script is. */
export const whoAndWhere: Questions = {
  user: 'id',
  home: 'echo "$HOME"; stat -c "%A %u:%g" "$HOME"; touch "$HOME/probe" && echo writable',
  directory: 'pwd',
  umask: 'umask',
  hostname: 'hostname',
  shell: 'echo "$0 $- $# ${BASH_VERSION:+bash}"',
  'standard input': 'readlink /proc/$$/fd/0; cat | wc -c',
  'standard output': 'readlink /proc/$$/fd/1; [ -t 1 ] && echo terminal',
  signals: 'grep -E "^Sig(Blk|Ign)" /proc/$$/status',
};

/** A line per answer that facts.ts takes apart. */
export const surroundings: Questions = {
  'env=': 'env | sort',
  'limit=': 'cat /proc/self/limits | tail -n +2 | sed -E "s/  +/=/; s/  +/ /g"',
  /** The colon: facts.ts keeps of the options only what tells something. */
  'mount:': 'while read -r source target type options rest; do echo "$target=$options"; done </proc/mounts',
  'status=': 'sed -nE "s/^((Cap|NoNew|Umask)[A-Za-z]*):\\s*/\\1=/p" /proc/self/status',
};

export const machine: Questions = {
  kernel: 'uname -srm',
  processors: 'nproc',
  memory: 'grep MemTotal /proc/meminfo',
  'first process': 'tr "\\0" "\\n" </proc/1/cmdline | head -n 1',
  devices: 'ls /dev',
  'time zone': 'date +%Z',
  'root is writable': 'touch /probe',
  'shared memory': 'df -k /dev/shm | tail -n 1',
  'unprivileged ports': 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start',
};

/** What root may do in a container by default; for images with Python. */
export const privileges: Questions = {
  'listen on port 80': `python3 -c 'import socket; socket.socket().bind(("", 80))' 2>&1 | tail -n 1`,
  'raw sockets': `python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)' 2>&1 | tail -n 1`,
  'change owners': 'touch /tmp/owned; chown 1000:1000 /tmp/owned',
  'become another user': 'setpriv --reuid=1000 --regid=1000 --clear-groups id -u',
};

export const network: Questions = {
  interfaces: 'tail -n +3 /proc/net/dev | cut -d: -f1 | sort',
  'name servers': 'cat /etc/resolv.conf',
  'hosts file': 'cat /etc/hosts',
  'the GitLab server': 'getent hosts "$CI_SERVER_HOST" || grep "$CI_SERVER_HOST" /etc/hosts',
  'its name of old': 'grep -E "(docker|containers).internal" /etc/hosts',
};

/** Names, modes and owners; `files` are shell words. */
const owners = (files: string) => `stat -c "%A %u:%g %n" ${files}`;

export const files: Questions = {
  'folders above': owners('/builds /builds/group /cache "$CI_PROJECT_DIR" "$CI_PROJECT_DIR.tmp"'),
  clone: owners('.* * dir/*').replace('.*', '.git'),
  'git folder': owners('.git/*'),
  'temporary files': owners('"$CI_PROJECT_DIR.tmp"/*'),
  'made by the script': `touch made-file; mkdir made-folder; ${owners('made-*')}`,
  'change what was cloned': 'echo more >>README; echo x >dir/new; rm dir/plain; mv run.sh moved.sh; chmod 600 README',
  'git config of the clone': 'cat .git/config',
};

/** What a later stage finds of `leave` of the one before. */
export const left: Questions = {
  'file in /tmp': 'cat /tmp/left',
  'file in the home folder': 'cat "$HOME/left"',
  'file in /opt': 'cat /opt/left',
  'file in the project': 'cat left',
  'file in /builds': 'cat /builds/left',
  'file in /dev/shm': 'cat /dev/shm/left',
  'exported variable': 'echo "${EXPORTED:-unset}"',
  'background process':
    'for each in /proc/[0-9]*/cmdline; do tr "\\0" " " <"$each"; echo; done | grep -c "^sleep 4242"',
};

export const leave = [
  'echo kept | tee /tmp/left "$HOME/left" /opt/left left /builds/left /dev/shm/left >/dev/null || true',
  'export EXPORTED=set; cd /tmp; umask 0077',
  'sleep 4242 >/dev/null 2>&1 &',
];
