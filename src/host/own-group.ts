import { stopSignals } from './stop-signal.ts';

/** What is looked at of how a program ended, in the words of Node and of execa. */
interface Ended {
  readonly signal?: NodeJS.Signals | null | undefined;
  readonly timedOut?: boolean;
  readonly isMaxBuffer?: boolean;
}

/** One signal meets one start. More than a few are somebody who wants this program, and not the stage, to end. */
const attempts = 10;

/**
 * Runs a program that shall go on when GitLab Runner ends the stage: cleanup does, and prepare removes what it made. The
 * runner's signal goes to the whole process group, so `start` starts the program in one of its own (`detached: true`). A
 * new process is in ours until it has that; when the signal comes in between, it ends before it has done anything.
 * @param start called again then.
 */
export async function inOwnGroup<T extends Ended>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const ended = await start();
    const killedByUs = ended.timedOut === true || ended.isMaxBuffer === true;
    const stopped = stopSignals.some((signal) => signal === ended.signal) && !killedByUs;
    if (!stopped || attempt === attempts) return ended;
  }
}
