/**
 * One fetch cut into what one transaction takes, with a share for every partition in each. Partition after partition
 * would be simpler, but behind a backlog (a deployment, a slow database) the last one then stands still until all of the
 * others are done, some seconds of a large fetch.
 *
 *   fetched            a1 a2 a3 a4 a5 a6 │ b1 │ c1 c2 c3
 *   chunks of five     a1 a2 b1 c1 c2 ─▶ a3 a4 a5 a6 c3
 *
 * Within a chunk a partition's records stand together and in their order, and chunks follow in order too.
 */

/** `runs`: the records of each partition. No chunk has more than `max` (at least 1), none is empty. */
export function* fairChunks<T>(runs: readonly (readonly T[])[], max: number): Generator<T[]> {
  let open = runs.filter(({ length }) => length > 0);
  while (open.length > 0) {
    // The shortest first: what it leaves of its share the longer ones take.
    open = open.toSorted((a, b) => a.length - b.length);
    const chunk: T[] = [];
    open = open.flatMap((run, i) => {
      const share = Math.ceil((max - chunk.length) / (open.length - i));
      chunk.push(...run.slice(0, share));
      return share < run.length ? [run.slice(share)] : [];
    });
    yield chunk;
  }
}
