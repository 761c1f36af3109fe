// Sends originals again, and then looks what became of them: how many came back, how many are gone.
import { setTimeout as delay } from 'node:timers/promises';
import type { Letter, LetterFilter, LetterPlace } from '@lead-flood/analytics/dead-letters';
import {
  countReturned,
  endReplay,
  letterPages,
  markReplayed,
  readLetters,
  recordAct,
  replayOf,
} from '@lead-flood/analytics/dead-letters';
import type { TopicEnds } from '@lead-flood/kafka';
import { createProducer, deadLetterTopic, endsOf } from '@lead-flood/kafka';
import { readAllPositions, readSchema, readSchemas } from '@lead-flood/service';
import type { Place } from './place.ts';

/** A letter that was replayed this often and came back will come back again: a human decides. */
export const replaysMax = 3;

/** Letters whose values are held at once: one may have a megabyte. */
const TOGETHER_MAX = 100;

export interface ReplayOptions {
  readonly perSecond: number;
  /** Also those that came back `replaysMax` times. */
  readonly force: boolean;
  readonly yes: boolean;
  readonly from: LetterPlace;
  /** How long to wait for what becomes of them. */
  readonly waitSeconds: number;
}

export interface Replayed {
  readonly matched: number;
  readonly guarded: number;
  readonly replayed: number;
  /** Null: not all of them were decided in the time given. */
  readonly outcome: { readonly cameBack: number; readonly gone: number } | null;
}

export async function replayLetters(place: Place, filter: LetterFilter, options: ReplayOptions): Promise<Replayed> {
  const { matched, guarded, ...chosen } = await choose(place, filter, options);
  const found = { matched, guarded };
  if (!options.yes || chosen.ids.length === 0) return { ...found, replayed: 0, outcome: null };
  const act = await recordAct(place.database, {
    act: 'replay',
    who: place.who,
    filter: {
      ...filter,
      ...(options.force ? { force: true } : {}),
      ...(options.from === 'dead_letter_archive' ? { archived: true } : {}),
    },
    org: filter.org ?? null,
    matched,
    acted: chosen.ids.length,
    guarded,
  });
  const replayed = await send(place, chosen.ids, options);
  const decided = await becameDecided(place, chosen, options.waitSeconds * 1_000);
  if (!decided) return { ...found, replayed, outcome: null };
  const cameBack = await countReturned(place.database, chosen.ids);
  const outcome = { cameBack, gone: replayed - cameBack };
  await endReplay(place.database, act, outcome);
  return { ...found, replayed, outcome };
}

interface Chosen {
  readonly ids: readonly string[];
  readonly groups: readonly string[];
  readonly topics: readonly string[];
}

/** Chosen before the first is sent, so that none that comes back is sent again; values are read as they are sent. */
async function choose(
  { database }: Place,
  filter: LetterFilter,
  { from, force }: ReplayOptions,
): Promise<Chosen & { readonly matched: number; readonly guarded: number }> {
  const [ids, groups, topics] = [new Set<string>(), new Set<string>(), new Set<string>()];
  let [matched, guarded] = [0, 0];
  const take = (letter: Letter): void => {
    matched += 1;
    const replay = replayOf({ ...letter, value: null });
    if (!force && letter.replays >= replaysMax) guarded += 1;
    else if (replay !== null) {
      ids.add(letter.id);
      groups.add(letter.group);
      topics.add(replay.topic);
    }
  };
  for await (const page of letterPages(database, from, filter)) page.forEach(take);
  return { matched, guarded, ids: [...ids], groups: [...groups], topics: [...topics] };
}

/** Marked after they are stored by the broker: a stop between the two sends some twice, and loses none. */
async function send(
  { client, database }: Place,
  ids: readonly string[],
  { from, perSecond }: ReplayOptions,
): Promise<number> {
  const producer = await createProducer(client);
  const together = Math.min(perSecond, TOGETHER_MAX);
  let sent = 0;
  try {
    for (let second = 0; second < ids.length; second += perSecond) {
      if (second > 0) await delay(1_000);
      const end = Math.min(second + perSecond, ids.length);
      for (let start = second; start < end; start += together) {
        const part = ids.slice(start, Math.min(start + together, end));
        const letters = await readLetters(database, from, part);
        await producer.send(letters.map(replayOf).filter((record) => record !== null));
        await markReplayed(database, from, part);
        sent += letters.length;
      }
    }
    return sent;
  } finally {
    await producer.stop();
  }
}

/** Each group has passed what was sent, its outbox is published, and the archive has read what came of it. */
async function becameDecided({ client, database }: Place, { groups, topics }: Chosen, waitMs: number) {
  const until = Date.now() + waitMs;
  const sent = await endsOf(client, topics);
  const passed = async (): Promise<boolean> => {
    const positions = await readAllPositions(database, await readSchemas(database));
    const reached = (group: string, ends: ReadonlyMap<string, TopicEnds>): boolean =>
      positions
        .filter((position) => position.group === group && ends.has(position.topic))
        .every(({ topic, partition, nextOffset }) => nextOffset >= (ends.get(topic)?.[partition]?.high ?? 0));
    if (!groups.every((group) => reached(group, sent))) return false;
    const schemas = [...new Set(positions.filter(({ group }) => groups.includes(group)).map(({ schema }) => schema))];
    const outboxes = await Promise.all(schemas.map((schema) => readSchema(database, schema)));
    if (outboxes.some(({ outbox }) => outbox.backlog > 0)) return false;
    return reached('analytics-dead-letters', await endsOf(client, groups.map(deadLetterTopic)));
  };
  while (!(await passed())) {
    if (Date.now() > until) return false;
    await delay(250);
  }
  return true;
}
