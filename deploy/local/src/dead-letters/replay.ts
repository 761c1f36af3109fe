// Sends originals again, and then looks what became of them: how many came back, how many are gone.
import { setTimeout as delay } from 'node:timers/promises';
import type { Letter, LetterFilter } from '@lead-flood/analytics/dead-letters';
import {
  countReturned,
  endReplay,
  findLetters,
  markReplayed,
  recordAct,
  replayOf,
} from '@lead-flood/analytics/dead-letters';
import type { TopicEnds } from '@lead-flood/kafka';
import { createProducer, deadLetterTopic, endsOf } from '@lead-flood/kafka';
import { readAllPositions, readSchema, readSchemas } from '@lead-flood/service';
import type { Place } from './place.ts';

/** A letter that was replayed this often and came back will come back again: a human decides. */
export const replaysMax = 3;

export interface ReplayOptions {
  readonly perSecond: number;
  /** Also those that came back `replaysMax` times. */
  readonly force: boolean;
  readonly yes: boolean;
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
  const letters = await findLetters(place.database, filter);
  const guarded = options.force ? [] : letters.filter(({ replays }) => replays >= replaysMax);
  const chosen = letters.filter((letter) => !guarded.includes(letter) && replayOf(letter) !== null);
  const found = { matched: letters.length, guarded: guarded.length };
  if (!options.yes || chosen.length === 0) return { ...found, replayed: 0, outcome: null };
  const act = await recordAct(place.database, {
    act: 'replay',
    who: place.who,
    filter: { ...filter, ...(options.force ? { force: true } : {}) },
    org: filter.org ?? null,
    matched: letters.length,
    acted: chosen.length,
    guarded: guarded.length,
  });
  await send(place, chosen, options.perSecond);
  const decided = await becameDecided(place, chosen, options.waitSeconds * 1_000);
  if (!decided) return { ...found, replayed: chosen.length, outcome: null };
  const cameBack = await countReturned(
    place.database,
    chosen.map(({ id }) => id),
  );
  const outcome = { cameBack, gone: chosen.length - cameBack };
  await endReplay(place.database, act, outcome);
  return { ...found, replayed: chosen.length, outcome };
}

/** Marked after they are stored by the broker: a stop between the two sends some twice, and loses none. */
async function send({ client, database }: Place, letters: readonly Letter[], perSecond: number): Promise<void> {
  const producer = await createProducer(client);
  try {
    for (let start = 0; start < letters.length; start += perSecond) {
      const part = letters.slice(start, start + perSecond);
      await producer.send(part.map(replayOf).filter((record) => record !== null));
      await markReplayed(
        database,
        part.map(({ id }) => id),
      );
      if (start + perSecond < letters.length) await delay(1_000);
    }
  } finally {
    await producer.stop();
  }
}

/** Each group has passed what was sent, its outbox is published, and the archive has read what came of it. */
async function becameDecided({ client, database }: Place, letters: readonly Letter[], waitMs: number) {
  const until = Date.now() + waitMs;
  const groups = [...new Set(letters.map(({ group }) => group))];
  const topics = [...new Set(letters.flatMap((letter) => replayOf(letter)?.topic ?? []))];
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
