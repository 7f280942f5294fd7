import { createHash, type Hash } from 'node:crypto';
import { genesis, type Head, type Header, type ReceiptFile, readHeader, sha256 } from './chain.ts';
import type { Line } from './lines.ts';

export interface Problem {
  readonly file: string;
  /** From 1; 0 for the file as a whole. */
  readonly line: number;
  readonly problem: string;
}

/** One break can make every line after it wrong; nobody reads more. */
const mostProblems = 1000;

/** Lines that are no record. */
interface Gap {
  readonly file: string;
  readonly line: number;
  readonly hash: Hash;
  bytes: number;
}

/** Is told the files of a chain in their order, line by line, and says what is wrong with it. Pure. */
export class ChainCheck {
  private readonly problems: Problem[] = [];
  private head: Head = genesis;
  private records = 0;
  private torn = 0;
  private gap: Gap | undefined;
  private file: ReceiptFile = { name: 'receipts', first: undefined };
  private line = 0;
  private firstOfFile: number | undefined;
  private ended = true;
  private readonly wanted: string | undefined;
  private found: boolean;

  constructor(wanted: string | undefined) {
    this.wanted = wanted;
    this.found = wanted === undefined || wanted === genesis.hash;
  }

  begin(file: ReceiptFile): void {
    this.file = file;
    this.line = 1;
    this.firstOfFile = undefined;
    this.ended = true;
  }

  take({ bytes, whole, ended }: Line): void {
    const header = whole ? readHeader(bytes) : undefined;
    if (header === undefined) this.widenGap(bytes, ended);
    else this.takeRecord(header, sha256(bytes));
    this.ended = ended;
    if (ended) this.line++;
  }

  private widenGap(bytes: Uint8Array, ended: boolean): void {
    this.gap ??= { file: this.file.name, line: this.line, hash: createHash('sha256'), bytes: 0 };
    this.gap.hash.update(bytes).update(ended ? '\n' : '');
    this.gap.bytes += bytes.length + (ended ? 1 : 0);
  }

  private takeRecord(header: Header, hash: string): void {
    this.checkGap(header);
    const { sequence, hash: before } = this.head;
    if (header.sequence > sequence + 1) {
      const missing =
        header.sequence === sequence + 2 ? `${sequence + 1} is` : `${sequence + 1} to ${header.sequence - 1} are`;
      this.complain(`this is record ${header.sequence}; ${missing} missing before it`);
    } else if (header.sequence <= sequence) {
      this.complain(`this is record ${header.sequence}, after record ${sequence}: repeated, or out of order`);
    } else if (header.previous !== before) {
      this.complain(sequence === 0 ? 'the first record names one before it' : 'the record before it was changed');
    }
    this.firstOfFile ??= header.sequence;
    this.head = { sequence: header.sequence, hash };
    this.records++;
    this.found ||= hash === this.wanted;
  }

  /** Whether the record accounts for what stands between it and the record before, and for nothing else. */
  private checkGap({ torn }: Header): void {
    const gap = this.gap;
    this.gap = undefined;
    if (gap === undefined) {
      if (torn !== undefined) this.complain(`${torn.bytes} bytes that it found before it are gone`);
    } else if (torn?.bytes === gap.bytes && torn.sha256 === gap.hash.digest('hex')) {
      this.torn++;
    } else {
      this.complain('no record, and none that the next one accounts for', gap);
    }
  }

  end(last: boolean): void {
    const { gap, file, firstOfFile } = this;
    if (gap !== undefined) {
      const next = last ? '; the next receipt will account for it' : '';
      this.complain(
        `${gap.bytes} bytes at the end are no record: a write was cut off, or the line was changed${next}`,
        gap,
      );
    } else if (!last && !this.ended) {
      this.complain('the line feed at the end of the file is missing');
    }
    this.gap = undefined;
    if (file.first !== undefined && file.first !== firstOfFile) {
      const holds = firstOfFile === undefined ? 'holds no record' : `begins with record ${firstOfFile}`;
      this.complain(`the file ${holds}, which its name does not say`, { file: file.name, line: 0 });
    }
  }

  private complain(
    problem: string,
    { file, line }: { file: string; line: number } = { file: this.file.name, line: this.line },
  ): void {
    if (this.problems.length < mostProblems) this.problems.push({ file, line, problem });
    else if (this.problems.length === mostProblems) this.problems.push({ file, line, problem: 'more follow' });
  }

  result(): { records: number; torn: number; head: Head; problems: readonly Problem[] } {
    if (!this.found) {
      const problem = 'no record has the hash that was noted: the end was cut off, or records were changed';
      this.complain(problem, { file: this.file.name, line: 0 });
    }
    const { records, torn, head, problems } = this;
    return { records, torn, head, problems };
  }
}
