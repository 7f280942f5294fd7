import { images } from '../host.ts';
import { type Attack, python } from './attack.ts';

/** What `baseline` gives: installing packages needs these, and a server under test its port. */
export const shipped = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'NET_BIND_SERVICE'];

const stopped = /not permitted|denied/i;
/** So that capabilities alone decide, whether or not this runsc filters syscalls. */
const seccomp = 'open';

/** Of root without any capability, and of root with those of baseline. */
function given(name: string, script: string, image?: string): Attack {
  return {
    ...{ name, script, stopped, ...(image !== undefined && { image }) },
    closed: { policy: { seccomp, capabilities: [] } },
    open: { policy: { seccomp } },
  };
}

/** Of root with the capabilities of baseline, and of root with one more. */
function withheld(capability: string, what: string, script: string, image?: string): Attack {
  return {
    ...{ name: `${what} (${capability})`, script, stopped, ...(image !== undefined && { image }) },
    closed: { policy: { seccomp } },
    open: { policy: { seccomp, capabilities: [...shipped, capability] } },
  };
}

/** A process of uid 1000, and what root does to it. */
const toAnotherUser = (attack: string) =>
  python(`
pid = os.fork()
if pid == 0:
    os.setgroups([]); os.setgid(1000); os.setuid(1000)
    time.sleep(30)
    os._exit(0)
time.sleep(0.5)
${attack}`);

const kill = toAnotherUser('os.kill(pid, 9)');
const attach = toAnotherUser(`
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
call(libc.ptrace(16, pid, None, None))`);
const mount = python('call(libc.mount(b"none", b"/mnt", b"tmpfs", 0, None))');
const rawSocket = python('socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)');
const makeNode = python('os.mknod("/tmp/disk", 0o60600, os.makedev(8, 0))');

export const capabilityAttacks: readonly Attack[] = [
  given('give a file to another user (CHOWN)', 'echo x > /tmp/mine && chown 1000:1000 /tmp/mine', images.busybox),
  given('write where permissions forbid it (DAC_OVERRIDE)', 'echo x > /home/user/planted', images.busybox),
  given("chmod another user's folder (FOWNER)", 'chmod 777 /home/user', images.busybox),
  given('become another user (SETUID)', python('os.setuid(1000)')),
  given('become a member of another group (SETGID)', python('os.setgid(1000)')),
  given('listen on port 80 (NET_BIND_SERVICE)', python('socket.socket().bind(("127.0.0.1", 80))')),
  // Without SETUID and SETGID there would be no other user.
  {
    ...given("kill another user's process (KILL)", kill),
    closed: { policy: { seccomp, capabilities: ['SETUID', 'SETGID'] } },
  },
  withheld('SYS_CHROOT', 'chroot', python('os.chroot("/tmp")')),
  withheld('SYS_ADMIN', 'mount a file system', mount),
  withheld('SYS_ADMIN', 'change the host name', python('socket.sethostname("owned")')),
  withheld('SYS_PTRACE', "ptrace another user's process", attach),
  withheld('NET_ADMIN', 'give an interface another address', 'ip addr add 10.9.9.9/32 dev lo', images.busybox),
  // Closed twice: the runsc that jobs get takes this one from everybody.
  {
    ...withheld('NET_RAW', 'open a raw socket', rawSocket),
    closed: { policy: { seccomp }, runtime: 'permissive' },
    open: { policy: { seccomp, capabilities: [...shipped, 'NET_RAW'] }, runtime: 'permissive' },
  },
  // Older ones let anybody make nodes in the sandbox's own file systems. There is no device behind any: see kernel.ts.
  {
    ...withheld('MKNOD', 'make a device node', makeNode),
    closed: { policy: { seccomp }, runtime: 'newest' },
    open: { policy: { seccomp, capabilities: [...shipped, 'MKNOD'] }, runtime: 'newest' },
  },
];
