/** In a sequence: any number of items, none as well. */
export const many = Symbol('many');

/** What each item has to be. */
export type Sequence<Item> = readonly (typeof many | ((item: Item) => boolean))[];

/** How many comparisons are still allowed. */
export interface Work {
  left: number;
}

/**
 * Whether items are what a sequence says, in at most items × sequence comparisons: where an item is not what it should be, it
 * goes back to the last `many` only, since an earlier one that took more would gain nothing.
 * @throws Error when no work is left.
 */
export function follows<Item>(items: readonly Item[], sequence: Sequence<Item>, work: Work): boolean {
  let [end, tail] = [items.length, sequence.length];
  // What comes after the last `many` is at the end, where most names differ at once.
  for (; tail > 0 && sequence[tail - 1] !== many; tail--, end--) {
    if (end === 0 || !fits(items[end - 1], sequence[tail - 1], work)) return false;
  }
  if (tail === 0) return end === 0;
  let [index, place] = [0, 0];
  let [againIndex, againPlace] = [0, 0];
  while (place < tail - 1) {
    if (sequence[place] === many) {
      againIndex = index;
      againPlace = ++place;
    } else if (index === end) return false;
    else if (fits(items[index], sequence[place], work)) {
      index++;
      place++;
    } else if (againPlace > 0) {
      index = ++againIndex;
      place = againPlace;
    } else return false;
  }
  return true;
}

function fits<Item>(item: Item | undefined, wanted: Sequence<Item>[number] | undefined, work: Work): boolean {
  if (--work.left < 0) throw new Error('there are too many files and globs to compare');
  return typeof wanted === 'function' && wanted(item as Item);
}
