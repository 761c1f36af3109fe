/**
 * From places and ends, looked at again and again, to a time: when a topic's end was seen to be beyond a group's place, the
 * message at that place was there by then.
 *
 *   ends seen   40 at 0 ms, 90 at 500 ms, 120 at 1,000 ms
 *   place 60 at 1,000 ms: message 60 was there at 500 ms, and has waited for 500 ms or a little more
 */

export type Place = {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** The next message to be read. */
  readonly place: number;
  readonly end: number;
};

type End = { readonly end: number; readonly at: number };
/** What was seen of each group's partition and is not yet behind its place, oldest first. */
export type Seen = ReadonlyMap<string, readonly End[]>;

export function waitOf(seen: Seen, places: readonly Place[], at: number): [waitMs: number, seen: Seen] {
  let waitMs = 0;
  const next = new Map<string, readonly End[]>();
  for (const { group, topic, partition, place, end } of places) {
    if (place >= end) continue;
    const name = `${group} ${topic}/${partition}`;
    const open = [...(seen.get(name) ?? []).filter((earlier) => earlier.end > place), { end, at }];
    next.set(name, open);
    waitMs = Math.max(waitMs, at - (open[0]?.at ?? at));
  }
  return [waitMs, next];
}
