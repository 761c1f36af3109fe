/** The same inputs in worse ways. Within a key the order always stays; across keys nothing is promised. */
import type { OutgoingRecord } from '@lead-flood/kafka';

type Records = readonly OutgoingRecord[];

const byKey = (records: Records): OutgoingRecord[][] => [
  ...Map.groupBy(records, (record) => `${record.topic}/${record.key?.toString() ?? ''}`).values(),
];

/** Round by round: the first of every key, then the second of every key. */
export function rounds(records: Records): OutgoingRecord[][] {
  const queues = byKey(records);
  const longest = Math.max(0, ...queues.map((queue) => queue.length));
  return Array.from({ length: longest }, (_, round) => queues.flatMap((queue) => queue.slice(round, round + 1)));
}

/** Another order across keys: the last key first, round by round. */
export const interleaved = (records: Records): OutgoingRecord[] => rounds(byKey(records).toReversed().flat()).flat();

/** One to three times each, the repeats at once or, every other time, after what follows. */
export function repeated(records: Records): OutgoingRecord[] {
  const result: OutgoingRecord[] = [];
  let late: OutgoingRecord[] = [];
  records.forEach((record, i) => {
    result.push(record, ...late);
    const repeats = Array.from({ length: i % 3 }, () => record);
    late = i % 2 === 0 ? repeats : [];
    if (i % 2 === 1) result.push(...repeats);
  });
  return [...result, ...late];
}

/**
 * Portions of which each begins some keys and goes on with others: whatever a first input of a key makes happen, happens in
 * every portion.
 */
export function portions(records: Records, count: number): OutgoingRecord[][] {
  const queues = byKey(records);
  const longest = Math.max(1, ...queues.map((queue) => queue.length));
  const result = Array.from({ length: count }, (): OutgoingRecord[] => []);
  for (let round = 0; round < longest; round += 1)
    queues.forEach((queue, n) => {
      const record = queue[round];
      // Half of the way is the key's own, so its inputs stay in order and a later key begins later.
      const portion = Math.min(count - 1, Math.floor((round / longest) * (count / 2) + (n % count)));
      if (record !== undefined) result[portion]?.push(record);
    });
  return result;
}
