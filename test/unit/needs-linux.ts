import { existsSync } from 'node:fs';

/** For `skip` of tests about what only Linux itself does: why they cannot run here, or false. */
export const needsLinux = existsSync('/proc/net/fib_trie')
  ? false
  : "needs Linux itself; this kernel is another's (gVisor's?): it has no /proc/net/fib_trie";
