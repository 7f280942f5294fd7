import { type Attack, python } from './attack.ts';
import { shipped } from './capabilities.ts';

/** gVisor is the sandbox's kernel and has no such thing, whatever is set; without it, the same script reaches the host. */
function gvisor(name: string, script: string, stopped: RegExp): Attack {
  return { name: `${name} (gVisor)`, script, stopped, closed: {}, open: { without: 'root' } };
}

/** Writes back what is there, so that the direction in which it works changes nothing. */
const rewrite = (path: string) => `value=$(cat ${path}) && echo "$value" > ${path}`;

const readKernelLog = `log=$(dmesg) && [ -n "$log" ] && case $log in
*"$MARK"*) ;;
*) echo "another log: $(echo "$log" | head -n 1)" >&2; exit 1 ;;
esac`;
const readHostDevice = `folder=$(mktemp -d /dev/attack.XXXXXX) && mknod "$folder/node" c 1 11 &&
dd if="$folder/node" of=/dev/null bs=8192 count=1
code=$?; rm -r "$folder"; exit $code`;

export const kernelAttacks: readonly Attack[] = [
  gvisor('the core pattern: what the host runs as root', rewrite('/proc/sys/kernel/core_pattern'), /No such file/i),
  gvisor("a setting of the host's kernel in /proc/sys", rewrite('/proc/sys/kernel/printk'), /No such file/i),
  gvisor("a setting of the host's kernel in /sys", rewrite('/sys/kernel/rcu_normal'), /No such file/i),
  gvisor("addresses of the host's kernel", 'grep " T commit_creds$" /proc/kallsyms', /No such file/i),
  gvisor('the kernel log of the host', readKernelLog, /another log: .*Starting gVisor/),
  // With every right to make the node.
  {
    ...gvisor('the device behind a device node', readHostDevice, /No such device/),
    closed: { policy: { seccomp: 'open', capabilities: [...shipped, 'MKNOD'] } },
  },
];

/** A runsc from before April 2026 filters only the first process of a container, and so no stage script. */
function filtered(name: string, script: string, capabilities: readonly string[] = shipped): Attack {
  return {
    name: `${name} (seccomp)`,
    script,
    stopped: /not permitted|not implemented/,
    closed: { policy: { capabilities }, runtime: 'newest' },
    open: { policy: { capabilities, seccomp: 'open' }, runtime: 'newest' },
  };
}

const CLONE_NEWNS = 0x20000;
const CLONE_NEWUSER = 0x10000000;
const SIGCHLD = 17;
const clone = python(`
if call(libc.syscall(56, ${CLONE_NEWUSER | SIGCHLD}, 0, 0, 0, 0)) == 0: os._exit(0)`);
const mountAfterUnshare = python(`
call(libc.unshare(${CLONE_NEWUSER | CLONE_NEWNS}))
call(libc.mount(b"none", b"/mnt", b"tmpfs", 0, None))`);
const mountAfterClone3 = python(`
arguments = (ctypes.c_uint64 * 8)(${CLONE_NEWUSER | CLONE_NEWNS}, 0, 0, 0, ${SIGCHLD}, 0, 0, 0)
pid = call(libc.syscall(435, ctypes.byref(arguments), 64))
if pid == 0:
    failed = libc.mount(b"none", b"/mnt", b"tmpfs", 0, None)
    os._exit(ctypes.get_errno() if failed else 0)
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
if code: raise OSError(code, os.strerror(code))`);

export const syscallAttacks: readonly Attack[] = [
  filtered('a user namespace, by unshare', python(`call(libc.unshare(${CLONE_NEWUSER}))`)),
  filtered('a user namespace, by clone', clone),
  filtered('a mount, in a user namespace where that needs no capability', mountAfterUnshare),
  // No filter sees the flags of clone3, which are in memory: such a namespace can be had, but nothing new be done in it.
  filtered('a mount, in a user namespace by clone3', mountAfterClone3),
  filtered("a key in the kernel's keyring", python('call(libc.syscall(250, 0, -3, 1))')),
  filtered('chroot, by root with SYS_CHROOT', python('os.chroot("/tmp")'), [...shipped, 'SYS_CHROOT']),
];
