import { type Verification, verifyReceipts } from '../receipts/verify.ts';
import { type Check, type Finding, fail, ok } from './check.ts';
import { NotLookedAt } from './host/fact.ts';

export const receipts: Check = {
  id: 'receipts',
  title: 'receipts',
  about:
    'The chain of receipts is whole: none was changed, removed or put in ([receipts](receipts.md)). That its end was not cut off shows only `bulkhead receipts verify --head`, with a head that was noted elsewhere. A chain that is broken stays so: keep it as evidence, and let a new one begin.',
  async look(host) {
    const { stateFolder } = await host.configuration.need();
    const verification = await verifyReceipts(stateFolder).catch((error: Error) => {
      throw new NotLookedAt(error.message, { cause: error });
    });
    return judgeReceipts(stateFolder, verification);
  },
};

export function judgeReceipts(folder: string, { files, records, problems }: Verification): Finding {
  if (files.length === 0) return ok('none yet');
  const [first] = problems;
  if (first === undefined) return ok(`${records} records, whole`);
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  return fail(
    `${first.file}:${first.line}: ${first.problem}${more}`,
    `bulkhead receipts verify names all. Find out who wrote to ${folder}; then move its receipts*.jsonl elsewhere, and keep them.`,
  );
}
