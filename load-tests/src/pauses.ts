/**
 * How long a group's place in a partition stood still while a message waited there. The places are read from the
 * `positions` rows every 50 ms, the beginnings of the waits from the records' own timestamps, so a pause is known to
 * one look (`lookMsMax` says how long the longest was), and nobody asks Kafka anything meanwhile.
 *
 *   place   ──o₁────────────────────────o₂──▶
 *   records ──────────[o₁ written]───────────
 *                     └──── pause ──────┘
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { createDatabase, sql } from '@lead-flood/postgres';

const LOOK_EVERY_MS = 50;

/**
 * `at`: milliseconds since 1970 of the look that saw this first. `finished`: done beyond the place, by an effect runner,
 * whose place waits for its slowest call while others go on.
 */
export type Step = { readonly at: number; readonly offset: number; readonly finished: number };
export type Track = {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly steps: readonly Step[];
};
export type Pause = Omit<Track, 'steps'> & { readonly from: number; readonly until: number };

export type Tracker = {
  readonly stop: () => Promise<{ readonly tracks: readonly Track[]; readonly lookMsMax: number }>;
};

const row = z.object({ group: z.string(), topic: z.string(), partition: z.int(), offset: z.int(), finished: z.int() });

export async function trackPlaces(url: string, schemas: readonly string[]): Promise<Tracker> {
  const database = await createDatabase({
    url,
    schema: 'public',
    applicationName: 'load-tests',
    connectionsMax: 1,
    readOnly: true,
  });
  const looks = sql.join(
    schemas.map(
      (schema) => sql.fragment`
        select consumer_group as "group", topic, partition, next_offset as "offset", cardinality(finished) as finished from ${sql.identifier([schema, 'positions'])}`,
    ),
    sql.fragment` union all `,
  );
  const tracks = new Map<string, Omit<Track, 'steps'> & { steps: Step[] }>();
  const state = { stopping: false, lookMsMax: 0 };
  const run = async (): Promise<void> => {
    for (let before = Date.now(); !state.stopping;) {
      const rows = await database.any(sql.type(row)`${looks}`);
      const at = Date.now();
      state.lookMsMax = Math.max(state.lookMsMax, at - before);
      before = at;
      for (const { group, topic, partition, offset, finished } of rows) {
        const key = `${group} ${topic}/${partition}`;
        const track = tracks.get(key) ?? { group, topic, partition, steps: [] };
        tracks.set(key, track);
        const last = track.steps.at(-1);
        if (last?.offset !== offset || last.finished !== finished) track.steps.push({ at, offset, finished });
      }
      await delay(Math.max(0, LOOK_EVERY_MS - (Date.now() - at)));
    }
  };
  const running = run();
  return {
    stop: async () => {
      state.stopping = true;
      await running;
      await database.end();
      return { tracks: [...tracks.values()], lookMsMax: state.lookMsMax };
    },
  };
}

/** Every wait of a track; `writtenAt` knows when the record at an offset was written, or that there is none. */
export function pausesOf(
  track: Track,
  writtenAt: (topic: string, partition: number, offset: number) => number | null,
): Pause[] {
  const { group, topic, partition, steps } = track;
  return steps.flatMap(({ at, offset }, i) => {
    const next = steps[i + 1];
    const written = writtenAt(topic, partition, offset);
    if (next === undefined || written === null) return [];
    const from = Math.max(at, written);
    return next.at > from ? [{ group, topic, partition, from, until: next.at }] : [];
  });
}

export type Window = { readonly groups: readonly string[]; readonly from: number; readonly until: number };

/** The longest pause of each partition that touches the window; partitions in which nothing waited have none. */
export function longestIn(pauses: readonly Pause[], window: Window): Pause[] {
  const longest = new Map<string, Pause>();
  for (const pause of pauses) {
    if (!window.groups.includes(pause.group) || pause.from > window.until || pause.until < window.from) continue;
    const key = `${pause.group} ${pause.topic}/${pause.partition}`;
    const known = longest.get(key);
    if (known === undefined || lengthOf(pause) > lengthOf(known)) longest.set(key, pause);
  }
  return [...longest.values()];
}

export const lengthOf = ({ from, until }: Pause): number => until - from;
