/**
 * Like Promise.all, but settles only when every call has: what is undone after a failure must not race with calls that
 * are still being carried out.
 * @throws the first rejection, in the order of the calls.
 */
export async function allDone<T extends readonly unknown[]>(
  calls: readonly [...T],
): Promise<{ [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(calls);
  return Promise.all(calls);
}
