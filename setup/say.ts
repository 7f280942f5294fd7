/** One short line on stderr about what set-up does: results go to stdout, talk goes here. */
export function say(topic: string, text: string): void {
  process.stderr.write(`setup: ${topic}: ${text}\n`);
}

/** What only the operator can put right. Its message is all that is printed; set-up then exits 1. */
export class SetupError extends Error {
  override readonly name = 'SetupError';
}
