import { type Attack, python } from './attack.ts';

/** Prints what whoever listens there says. */
const connect = (host: string, port: string) =>
  `host=${host} port=${port} ${python(`
address = (os.environ["host"], int(os.environ["port"]))
print(socket.create_connection(address, timeout=5).recv(100))`)}`;
const outward = connect('$OUTSIDE_HOST', '$OUTSIDE_PORT');
/** The helper's image has bash and no Python. */
const outwardFromHelper = 'exec 3<>"/dev/tcp/$OUTSIDE_HOST/$OUTSIDE_PORT" && head -n 1 <&3';
const unreachable =
  /No route to host|unreachable|timed out|not known|No address|resolution|not permitted|No such device/i;

type Reach = 'none' | 'job' | 'egress';
/** What answers outside is on this host, which no sandbox reaches unless it is listed. */
const allow = [{ to: 'host.containers.internal', ports: ['1024-65535'] }];
const network = (helper: Reach, build: Reach, listed: readonly object[] = allow) => ({
  policy: { network: { helper, build, allow: listed } },
});

const listen = python(`
listener = socket.create_server(("0.0.0.0", 7777))
print("listening", flush=True)
while True: listener.accept()[0].sendall(b"victim\\n")`);

const searchProcesses = `cat /proc/[0-9]*/cmdline | tr "\\0" " " | grep -o "31[4]15" || { echo nothing >&2; exit 1; }`;

export const neighbourAttacks: readonly Attack[] = [
  {
    name: 'out of the build sandbox, where only the helper may go (network.build: none)',
    script: outward,
    stopped: unreachable,
    closed: network('egress', 'none'),
    open: network('egress', 'egress'),
  },
  {
    name: 'out of the build sandbox, which may reach its own job only (network.build: job)',
    script: outward,
    stopped: unreachable,
    closed: network('egress', 'job'),
    open: network('egress', 'egress'),
  },
  {
    name: 'out of the helper, where hooks run (network.helper: none)',
    stage: 'get_sources',
    script: outwardFromHelper,
    stopped: unreachable,
    closed: network('none', 'none'),
    open: network('egress', 'none'),
  },
  {
    name: 'out of the helper (network.helper: job)',
    stage: 'get_sources',
    script: outwardFromHelper,
    stopped: unreachable,
    closed: network('job', 'job'),
    open: network('egress', 'job'),
  },
  {
    name: 'this host, from a build sandbox that may go out (network.allow: nothing)',
    script: outward,
    stopped: unreachable,
    closed: network('egress', 'egress', []),
    open: network('egress', 'egress'),
  },
  {
    name: 'this host, from a helper that may go out (network.allow: nothing)',
    stage: 'get_sources',
    script: outwardFromHelper,
    stopped: unreachable,
    closed: network('egress', 'egress', []),
    open: network('egress', 'egress'),
  },
  {
    name: 'from the build sandbox to the helper (network.build: none)',
    // Nobody listens there: that it refuses shows that it was reached.
    script: python(`
try: socket.create_connection((os.environ["HELPER_ADDRESS"], 9), timeout=5)
except ConnectionRefusedError: pass`),
    stopped: unreachable,
    closed: network('egress', 'none'),
    open: network('egress', 'job'),
  },
  {
    name: "another job's sandbox (a network of its own)",
    victim: { script: listen, ready: 'listening' },
    script: connect('$VICTIM_ADDRESS', '7777'),
    stopped: unreachable,
    closed: {},
    open: {
      bend: ({ HostConfig, ...options }, victim) => {
        return { ...options, HostConfig: { ...HostConfig, NetworkMode: victim('network-build') } };
      },
    },
  },
  {
    name: "another job's processes (a sandbox of its own; it sees its own processes)",
    victim: { script: 'echo ready; sleep 31415', ready: 'ready' },
    script: searchProcesses,
    stopped: /nothing/,
    closed: {},
    open: { instead: `sleep 31415 & sleep 1; ${searchProcesses}` },
  },
  {
    name: "the host's processes (gVisor)",
    script: 'cat /proc/[0-9]*/cmdline | tr "\\0" " " | grep -o "system servic[e]" || { echo nothing >&2; exit 1; }',
    stopped: /nothing/,
    closed: {},
    open: { without: 'service user' },
  },
];
