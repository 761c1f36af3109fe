/**
 * What the outside world answered, stored before it is used. Entries of many messages are written together: a commit
 * costs about a millisecond whatever it holds, and a provider call should not wait for one of its own.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { fault } from '@lead-flood/kernel';
import { booleans, texts } from './arrays.ts';
import { sql } from './database.ts';
import type { Database, Queries } from './database.ts';

export type JournalEntry = {
  readonly messageId: string;
  readonly step: string;
  readonly done: boolean;
  /** JSON of the answer; null while it is begun and not done. */
  readonly answer: string | null;
};

export type KnownEntry = JournalEntry & { readonly startedAt: number };

const row = z.object({
  message_id: z.string(),
  step: z.string(),
  done: z.boolean(),
  answer: z.string().nullable(),
  started_at: z.number(),
});

/** What earlier tries of these messages have left. */
export async function readJournal(
  queries: Queries,
  group: string,
  messageIds: readonly string[],
): Promise<readonly KnownEntry[]> {
  if (messageIds.length === 0) return [];
  const rows = await queries.any(sql.type(row)`
    select message_id, step, done, answer, started_at from journal
    where consumer_group = ${group} and message_id = any(${texts(messageIds)}::uuid[])
  `);
  return rows.map((r) => ({
    messageId: r.message_id,
    step: r.step,
    done: r.done,
    answer: r.answer,
    startedAt: r.started_at,
  }));
}

/** Begins steps; of two processes that begin the same one, exactly one is told yes. Answers in the order given. */
async function beginSteps(queries: Queries, group: string, entries: readonly JournalEntry[]): Promise<boolean[]> {
  const begun = await queries.any(sql.type(z.object({ message_id: z.string(), step: z.string() }))`
    insert into journal (consumer_group, message_id, step, done)
    select ${group}, * , false from unnest(
      ${texts(entries.map((e) => e.messageId))}::uuid[],
      ${texts(entries.map((e) => e.step))}::text[]
    )
    on conflict do nothing
    returning message_id, step
  `);
  const keys = new Set(begun.map((r) => `${r.message_id}/${r.step}`));
  return entries.map((e) => keys.delete(`${e.messageId}/${e.step}`));
}

/** Stores answers. The first answer of a step stays: a late one of another process changes nothing. */
async function finishSteps(queries: Queries, group: string, entries: readonly JournalEntry[]): Promise<boolean[]> {
  const last = [...new Map(entries.map((entry) => [`${entry.messageId}/${entry.step}`, entry])).values()];
  await queries.query(sql.unsafe`
    insert into journal (consumer_group, message_id, step, done, answer)
    select ${group}, * from unnest(
      ${texts(last.map((e) => e.messageId))}::uuid[],
      ${texts(last.map((e) => e.step))}::text[],
      ${booleans(last.map((e) => e.done))}::boolean[],
      ${texts(last.map((e) => e.answer))}::text[]
    )
    on conflict (consumer_group, message_id, step) do update set done = true, answer = excluded.answer
    where not journal.done
  `);
  return entries.map(() => true);
}

export type JournalWriter = {
  /** False when the step has been begun before, by whomever. Resolves after the commit. */
  readonly begin: (messageId: string, step: string) => Promise<boolean>;
  readonly finish: (messageId: string, step: string, answer: string) => Promise<void>;
  /** Takes back a beginning of which it is certain that nothing followed. */
  readonly forget: (messageId: string, step: string) => Promise<void>;
};

export function createJournalWriter(database: Database, group: string): JournalWriter {
  type Entries = readonly JournalEntry[];
  const begin = together((entries: Entries) => between('begin', () => beginSteps(database, group, entries)));
  const finish = together((entries: Entries) => between('finish', () => finishSteps(database, group, entries)));
  return {
    begin: (messageId, step) => begin({ messageId, step, done: false, answer: null }),
    finish: async (messageId, step, answer) => {
      await finish({ messageId, step, done: true, answer });
    },
    forget: async (messageId, step) => {
      await between('forget', () =>
        database.query(sql.unsafe`
          delete from journal
          where consumer_group = ${group} and message_id = ${messageId} and step = ${step} and not done
        `),
      );
    },
  };
}

async function between<T>(what: 'begin' | 'finish' | 'forget', write: () => Promise<T>): Promise<T> {
  await fault(`journal.${what}.before`);
  const written = await write();
  await fault(`journal.${what}.after`);
  return written;
}

/** Least time between two writes: at once when it is quiet, many answers a commit when it is not. */
const GATHER_MS = 10;

/** Gathers calls: one write is under way at a time; what comes meanwhile goes together with the next. */
function together<A, R>(write: (items: readonly A[]) => Promise<readonly R[]>): (item: A) => Promise<R> {
  type Waiting = { item: A; resolve: (result: R) => void; reject: (error: unknown) => void };
  let waiting: Waiting[] = [];
  let busy = false;
  const drain = async (): Promise<void> => {
    busy = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      const startedAt = performance.now();
      try {
        const results = await write(batch.map((w) => w.item));
        batch.forEach((w, i) => {
          w.resolve(results[i] as R);
        });
      } catch (error) {
        batch.forEach((w) => {
          w.reject(error);
        });
      }
      const spentMs = performance.now() - startedAt;
      if (spentMs < GATHER_MS) await delay(GATHER_MS - spentMs);
    }
    busy = false;
  };
  return (item) =>
    new Promise<R>((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      // The microtask lets the other calls of this tick join the first write.
      if (!busy && waiting.length === 1) queueMicrotask(() => void drain());
    });
}

/** Drops what no replay can need any more; returns how many entries. */
export async function pruneJournal(queries: Queries, days: number): Promise<number> {
  const { rowCount } = await queries.query(
    sql.unsafe`delete from journal where started_at < now() - make_interval(days => ${days})`,
  );
  return rowCount;
}
