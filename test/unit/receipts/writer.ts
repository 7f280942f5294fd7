/**
 * A process that appends receipts, as one driver after the other would. `writer.ts <folder> <count> [<bytes>]` says each
 * record's number when it is on the disk. With <bytes> it ends by killing itself in mid-append: under the lock, with so many
 * bytes of the next line written.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from '../../../src/host/folder-lock.ts';
import { appendReceipt } from '../../../src/receipts/append.ts';
import { currentFile, formatLine, readHeader, sha256 } from '../../../src/receipts/chain.ts';
import { finished } from './samples.ts';

const [folder = '', count = '', bytes] = process.argv.slice(2);
for (let n = 0; n < Number(count); n++) {
  await appendReceipt(folder, { ...finished, runnerProcess: `${process.pid}:${n}` });
  process.stdout.write(`${process.pid}:${n}\n`);
}
if (bytes !== undefined) {
  await withLock(folder, async () => {
    const path = join(folder, currentFile);
    const last = Buffer.from(
      readFileSync(path, 'utf8')
        .split('\n')
        .findLast((line) => readHeader(Buffer.from(line))) ?? '',
    );
    const head = { sequence: readHeader(last)?.sequence ?? 0, hash: sha256(last) };
    const line = formatLine(head, new Date(), { ...finished, runnerProcess: `${process.pid}:torn` });
    appendFileSync(path, line.slice(0, Number(bytes)));
    process.kill(process.pid, 'SIGKILL');
  });
}
