/**
 * Imported before anything else: whatever goes wrong from here on, even while other modules load, ends as a system
 * failure. Node's own exit code for an uncaught error is 1, which GitLab Runner reads as "the job failed".
 */
import { writeSync } from 'node:fs';
import { systemFailureExitCode } from './system-failure-exit-code.ts';

function die(error: unknown): never {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  try {
    writeSync(
      2,
      `bulkhead: ERROR: internal error, not the job's fault (internal-error)\n${text}\nFix: report this with the text above.\n`,
    );
  } catch {
    // Nobody reads our messages any more; the exit code still tells.
  }
  process.exit(systemFailureExitCode);
}

const major = Number.parseInt(process.versions.node, 10);
if (major < 22) {
  writeSync(
    2,
    `bulkhead: ERROR: Node.js ${process.versions.node} is too old\nFix: let BULKHEAD_NODE name a Node.js 22 or newer.\n`,
  );
  process.exit(systemFailureExitCode);
}

process.on('uncaughtException', die);
process.on('unhandledRejection', die);
// Covers an event loop that runs empty before a stage has reached its end.
process.exitCode = systemFailureExitCode;
