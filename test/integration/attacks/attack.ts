import type { ContainerCreateOptions } from 'dockerode';
import type { JobInput } from '../../../src/player/job.ts';
import type { Role } from '../../../src/sandbox/names.ts';
import type { PolicyChange } from '../host.ts';

/**
 * One row of the table: what a script of a job tries, and the one setting that makes the difference. It must fail where the
 * setting is in force (`closed`), for the reason that `stopped` describes, and work where it is not (`open`): without that
 * direction the row would prove nothing.
 */
export interface Attack {
  readonly name: string;
  /**
   * Plain shell; ends with 0 when the attack works. Variables: $OUTSIDE_HOST and $OUTSIDE_PORT, something that answers
   * beyond the job's own network; $HELPER_ADDRESS and $VICTIM_ADDRESS, of the job's helper and the victim's build sandbox;
   * $MARK, what the host's kernel log holds.
   */
  readonly script: string;
  /** What a failed attack says. */
  readonly stopped: RegExp;
  readonly closed: Scene;
  readonly open: Scene | Elsewhere;
  /** Default: the image with Python. */
  readonly image?: string;
  /** Default: build_script, in the build sandbox. `get_sources` runs in the helper. */
  readonly stage?: string;
  /** Another job, under the same policy, that runs first and is there until the attack is over. */
  readonly victim?: Victim;
}

/** Everything around the attacking job. */
export interface Scene {
  /** Beside what `baseline` says. The profile `open` is there for rows in which seccomp is not to decide. */
  readonly policy?: PolicyChange;
  /** Default: the host's runsc. */
  readonly runtime?: Runtime;
  readonly job?: JobInput;
  /** For what no policy can say: what the build sandbox is really created with. `victim` names the victim's objects. */
  readonly bend?: (options: ContainerCreateOptions, victim: (role: Role) => string) => ContainerCreateOptions;
}

/**
 * Where gVisor itself is the wall, no setting of ours opens it. Then `open` shows that the script is an attack at all:
 * `without` any sandbox on the host itself, or `instead` another script in the closed scene, on what the job may do.
 */
export type Elsewhere = { readonly without: 'root' | 'service user' } | { readonly instead: string };

/**
 * `newest`: the runsc that set-up builds by Go modules; it filters the syscalls of exec'd processes, too. `permissive`: the
 * same with --net-raw and --allow-suid, without which gVisor gives nobody raw sockets, and ignores setuid bits.
 */
export type Runtime = 'newest' | 'permissive';

export interface Victim {
  readonly job?: JobInput;
  /** Default: build_script. */
  readonly stage?: string;
  readonly script: string;
  /** What the script prints when it is ready for the attack; it then goes on until that is over. Default: it ends first. */
  readonly ready?: string;
}

/** A row about what a job asks for: prepare refuses it, and nothing of the job runs. */
export interface Request {
  readonly name: string;
  readonly job?: JobInput;
  /** Runs in an image that names this user, whom its passwd file may know as root. */
  readonly imageUser?: string;
  /** Error code. */
  readonly refusal: string;
  /** Beside what `baseline` says. */
  readonly closed: PolicyChange;
  readonly open: PolicyChange;
}

/** A Python program as shell text; it may not hold an apostrophe. `call` raises the errno of what a function of libc returned. */
export function python(program: string): string {
  return `python3 -c '
import ctypes, os, socket, time
libc = ctypes.CDLL(None, use_errno=True)
def call(result):
    if result == -1: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
${program}'`;
}
