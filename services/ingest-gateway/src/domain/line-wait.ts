/**
 * From places and ends, looked at again and again, to times and speeds: when a topic's end was seen to be beyond a group's
 * place, the message at that place was there by then.
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
type Speed = {
  readonly place: number;
  readonly end: number;
  readonly perSecond: number | null;
  /** Messages that came to the group in the last seconds, the older ones counting less. */
  readonly came: number;
};

export type Seen = {
  readonly at: number;
  /** By group and partition what is not yet behind the place, oldest first. */
  readonly ends: ReadonlyMap<string, readonly End[]>;
  /** By group, over all its partitions. */
  readonly speeds: ReadonlyMap<string, Speed>;
  /** What was waited at each look of the last half minute. */
  readonly waits: readonly { readonly at: number; readonly waitMs: number }[];
};
export type Line = {
  /**
   * For how long the oldest message waits that a group has not behind it, beyond what it is at best: a slow machine has long
   * ways, and what nobody can make shorter by letting in less is no queue.
   */
  readonly queueMs: number;
  /**
   * Leads, of the slowest group that has not read all of its messages; null where there is none: then nothing is known to
   * limit. Nor does a group limit by getting less than the others: of known people it hears nothing.
   */
  readonly perSecond: number | null;
};

export const nothingSeen: Seen = { at: 0, ends: new Map(), speeds: new Map(), waits: [] };
const REMEMBERED_MS = 30_000;
/** Whoever comes when the line is full takes the queue for the way: by so much at most. */
const BEST_MS_MAX = 3_000;
/** Groups tell their places in steps: half of it is what was known before. */
const SMOOTHING = 0.5;
/** What came is compared between groups, which one lead reaches seconds apart. */
const CAME_SMOOTHING = 0.9;

export function lineOf(seen: Seen, places: readonly Place[], at: number): [line: Line, seen: Seen] {
  let waitMs = 0;
  const ends = new Map<string, readonly End[]>();
  for (const { group, topic, partition, place, end } of places) {
    if (place >= end) continue;
    const name = `${group} ${topic}/${partition}`;
    const open = [...(seen.ends.get(name) ?? []).filter((earlier) => earlier.end > place), { end, at }];
    ends.set(name, open);
    waitMs = Math.max(waitMs, at - (open[0]?.at ?? at));
  }
  const speeds = new Map(
    [...Map.groupBy(places, ({ group }) => group)].map(([group, own]) => {
      const [place, end] = [sum(own.map((one) => one.place)), sum(own.map((one) => one.end))];
      return [group, speedOf(seen.speeds.get(group), place, end, (at - seen.at) / 1_000)] as const;
    }),
  );
  const waits = [...seen.waits.filter((look) => at - look.at < REMEMBERED_MS), { at, waitMs }];
  const bestMs = Math.min(BEST_MS_MAX, ...waits.map((look) => look.waitMs));
  return [
    { queueMs: waitMs - bestMs, perSecond: slowestOf([...speeds.values()]) },
    { at, ends, speeds, waits },
  ];
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

function speedOf(before: Speed | undefined, place: number, end: number, seconds: number): Speed {
  if (before === undefined) return { place, end, perSecond: null, came: 0 };
  const now = Math.max(0, place - before.place) / seconds;
  return {
    place,
    end,
    perSecond: before.perSecond === null ? now : before.perSecond * SMOOTHING + now * (1 - SMOOTHING),
    came: before.came * CAME_SMOOTHING + Math.max(0, end - before.end),
  };
}

/** In leads: of the messages of a group to which half as many come as to the first, each is two. */
function slowestOf(speeds: readonly Speed[]): number | null {
  const leads = speeds[0]?.came ?? 0;
  const limits = speeds.flatMap(({ place, end, perSecond, came }) => {
    if (place >= end || perSecond === null) return [];
    return leads > 0 && came > 0 ? (perSecond * leads) / came : perSecond;
  });
  return limits.length === 0 ? null : Math.min(...limits);
}
