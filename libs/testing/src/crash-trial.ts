/**
 * One case of the enumeration: the inputs in three portions, one fault, a restart where the process died, the rest of the
 * inputs, and what it came to. A bench keeps its database for many cases and empties it in between, since a clone costs 80 ms.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Codec, OutgoingRecord } from '@lead-flood/kafka';
import { deadLetterFacts, deadLetterTopic } from '@lead-flood/kafka';
import { fault } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import { createDatabase, sql } from '@lead-flood/postgres';
import { SimulatedCrash } from './conformance-faults.ts';
import { failureAt } from './crash-places.ts';
import type { Fault } from './crash-places.ts';
import type { TestDatabase } from './database.ts';
import { createTestDatabase } from './database.ts';
import { distinctEvents } from './line.ts';
import type { Subject } from './line.ts';
import type { MemoryBroker } from './memory-broker.ts';
import { createMemoryBroker } from './memory-broker.ts';
import type { Replica } from './replica.ts';
import { startReplica } from './replica.ts';
import type { RunEnd } from './run-end.ts';
import { endOf } from './run-end.ts';

/** A database for one case after the other. A case's process has connections of its own: they end when it dies. */
export type Bench = {
  readonly test: TestDatabase;
  readonly own: () => Promise<Database>;
  readonly cut: () => Promise<void>;
  readonly close: () => Promise<void>;
};

export async function createBench(
  { schema, migrations }: { readonly schema: string; readonly migrations: string },
  connectionsMax = PROCESS_CONNECTIONS,
): Promise<Bench> {
  const test = await createTestDatabase({ schema, migrations });
  let current: Promise<Database> | null = null;
  // Fresh connections for every case were two fifths of what a case costs: only a death replaces them.
  const cut = async (): Promise<void> => {
    const cutOff = current;
    current = null;
    await (await cutOff)?.end();
  };
  return {
    test,
    cut,
    own: () =>
      (current ??= createDatabase({
        url: test.url,
        schema,
        applicationName: 'replica',
        connectionsMax,
      })),
    close: async () => {
      await cut();
      await test.drop();
    },
  };
}

/** The other side of the calls, which keeps its own log: one line for each call that it took. */
export type OutsideWorld = {
  readonly calls: string[];
  /** False: nothing may be asked twice, whatever happens. */
  readonly repeatable: boolean;
};

/** A call that reaches the other side: `error` before it comes there, `lost answer` after. */
export async function callOutside<T>(world: OutsideWorld, what: string, answer: () => T): Promise<T> {
  await fault('provider.call.before');
  world.calls.push(what);
  await fault('provider.call.after');
  return answer();
}

/** Made anew for every case, since cases run side by side. */
export type CrashSubject = {
  readonly starter: Subject;
  readonly world?: OutsideWorld;
  /** What a client asks of the process's doors once the inputs are done, one by one, each again until it has an answer. */
  readonly asks?: readonly ((door: Replica['door']) => Promise<unknown>)[];
  /** What must be done besides what the engine's own tables tell. */
  readonly isDone?: (database: Database) => Promise<boolean>;
};

export type CrashEnd = RunEnd & { readonly letters: readonly string[] };

export type CaseResult = {
  readonly reached: boolean;
  readonly passed: ReadonlyMap<string, number>;
  readonly end: CrashEnd;
  /** Calls that were made and not noted yet when the fault came; each of them may be in doubt. */
  readonly open: number;
  /** By call, how often it was taken, where that is more than once. */
  readonly twice: ReadonlyMap<string, number>;
};

export type TrialOptions = {
  readonly create: () => CrashSubject;
  readonly schema: string;
  readonly stages: readonly (readonly OutgoingRecord[])[];
  readonly seed: (database: Database) => Promise<void>;
  readonly ignore: Readonly<Record<string, readonly string[]>>;
  readonly codec: Codec;
};

/** A relay, a batch, and what is written beside them. */
const PROCESS_CONNECTIONS = 3;
const REST_EVERY_MS = 8;
const REST_MS_MAX = 20_000;
/** After the last portion: a point just behind the last commit is passed a moment after everything looks at rest. */
const LATE_MS_MAX = 2_000;
const ASK_AGAIN_MAX = 5;

export async function runCase(bench: Bench, options: TrialOptions, planned: Fault | null): Promise<CaseResult> {
  const { create, stages, codec, schema } = options;
  const { database } = bench.test;
  const subject = create();
  const broker = createMemoryBroker();
  await emptyTables(database);
  await options.seed(database);
  const passed = new Map<string, number>();
  const met = { dead: false, reached: false, open: 0 };
  const hook = (point: string): void => {
    if (met.dead) throw new SimulatedCrash('dead');
    const nth = (passed.get(point) ?? 0) + 1;
    passed.set(point, nth);
    if (planned === null || point !== planned.point || nth !== planned.nth) return;
    met.reached = true;
    met.open = openCalls(passed);
    if (planned.mode !== 'crash') throw failureAt(point, planned.mode);
    met.dead = true;
    throw new SimulatedCrash(`crashed at ${point}`);
  };
  const start = async (): Promise<Replica> =>
    startReplica(subject.starter, { database: await bench.own(), schema, codec, broker, hook: met.dead ? null : hook });
  let replica = await start();
  let crashed = false;

  const restart = async (): Promise<void> => {
    crashed = true;
    await replica.stop();
    await bench.cut();
    replica = await start();
  };
  const settle = async (): Promise<void> => {
    if ((await atRest(database, subject, broker, () => met.dead && !crashed, replica)) === 'rest') return;
    await restart();
    await settle();
  };

  try {
    for (const stage of stages) {
      broker.append(stage);
      await settle();
    }
    for (const ask of subject.asks ?? []) {
      for (let tries = 1; ; tries += 1) {
        const { door, run } = replica;
        if (await run(() => answered(() => ask(door), tries === ASK_AGAIN_MAX))) break;
        if (met.dead && !crashed) await restart();
      }
      await settle();
    }
    const until = Date.now() + LATE_MS_MAX;
    while (planned !== null && !met.reached && Date.now() < until) await delay(REST_EVERY_MS);
    await settle();
    const events = async (topic: string) => distinctEvents(codec, broker.records(topic));
    const end: CrashEnd = {
      ...(await endOf({ database, events }, subject.starter, options.ignore)),
      letters: lettersOf(broker, subject.starter.group),
    };
    await refuseDoubleDecisions(database);
    return { reached: met.reached, passed, end, open: met.open, twice: twiceIn(subject.world?.calls ?? []) };
  } finally {
    await replica.stop();
  }
}

/** A client that hears of a fault asks again; of its last try it wants to know why. */
async function answered(ask: () => Promise<unknown>, last: boolean): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch (error) {
    if (last) throw error;
    return false;
  }
}

/** Calls begun or made whose answer is not in the journal, as far as the points tell. */
function openCalls(passed: ReadonlyMap<string, number>): number {
  const sum = (points: RegExp): number =>
    [...passed].reduce((total, [point, times]) => total + (points.test(point) ? times : 0), 0);
  const stored = sum(/^step\..*\.stored$/);
  const under = sum(/^step\..*\.before$/) - stored;
  const begun = sum(/^journal\.begin\.before$/);
  return begun > 0 ? Math.max(under, begun - stored) : under;
}

function twiceIn(calls: readonly string[]): Map<string, number> {
  const times = [...Map.groupBy(calls, (call) => call)].map(([call, all]) => [call, all.length] as const);
  return new Map(times.filter(([, count]) => count > 1));
}

const look = z.object({ at: z.string(), next: z.int().nullable(), busy: z.boolean() });

/** Everything read, decided, published, and nothing to come by a timer soon; all tables seen at one moment. */
async function atRest(
  database: Database,
  { starter: { group, processor }, isDone }: CrashSubject,
  broker: MemoryBroker,
  died: () => boolean,
  replica: Replica,
): Promise<'rest' | 'died'> {
  const topics = [...processor.reads.map(({ name }) => name), `${group}.timer.v1`];
  const endsOf = (): string[] => topics.flatMap((topic) => broker.ends(topic).map((end, n) => `${topic}/${n} ${end}`));
  const until = Date.now() + REST_MS_MAX;
  for (;;) {
    if (died()) return 'died';
    const fatal = replica.fatal();
    if (fatal !== null && !(fatal instanceof SimulatedCrash)) throw new Error('it ended itself', { cause: fatal });
    const ends = endsOf();
    const done = (await isDone?.(database)) ?? true;
    const rows = await database.any(sql.type(look)`
      with work as (
        select exists (select 1 from outbox where (tx, seq) > (select tx, seq from relay_cursor where slot = 0))
          or exists (select 1 from redeliveries)
          or exists (select 1 from timers where due_at < now() + interval '2 seconds') as busy
      )
      select coalesce(p.topic || '/' || p.partition, '') as at, p.next_offset as next, busy
      from work left join positions p on p.consumer_group = ${group}
    `);
    const places = new Set(rows.map(({ at, next }) => `${at} ${next ?? 0}`));
    const isRead = ends.every((end) => end.endsWith(' 0') || places.has(end));
    // First what comes before the outbox, so that nothing slips from the one to the other unseen.
    const isIdle = done && isRead && rows.every(({ busy }) => !busy);
    if (isIdle && isDeepStrictEqual(ends, endsOf()) && !died()) return 'rest';
    if (Date.now() > until) {
      const cause = replica.errors.at(-1);
      throw new Error(`not at rest after ${REST_MS_MAX} ms`, cause === undefined ? {} : { cause });
    }
    await delay(REST_EVERY_MS);
  }
}

/** Each dead letter once, whatever the relay repeated: what it is about and why. */
function lettersOf(broker: MemoryBroker, group: string): string[] {
  const letters = broker.records(deadLetterTopic(group)).map((record) => {
    const facts = deadLetterFacts(record);
    return [facts?.topic, facts?.partition, facts?.offset, facts?.code, record.value?.toString('base64')].join(' ');
  });
  return [...new Set(letters)].toSorted();
}

/** A relay may publish a row twice; two rows of one decision are two decisions. */
async function refuseDoubleDecisions(database: Database): Promise<void> {
  const doubles = await database.anyFirst(sql.type(z.object({ id: z.string() }))`
    select headers::json->>'message-id' as id from outbox
    where topic not like '%.timer.v1' and topic not like '%.dead-letter.v1'
    group by 1 having count(*) > 1
  `);
  if (doubles.length > 0) throw new Error(`decided twice, by the outbox: ${doubles.join(', ')}`);
}

/** Where the relay stands may stay: numbers of transactions only grow. */
export async function emptyTables(database: Database): Promise<void> {
  await database.query(sql.unsafe`
    do $$
    declare name text;
    begin
      perform set_config('session_replication_role', 'replica', true);
      for name in
        select table_name from information_schema.tables
        where table_schema = current_schema() and table_type = 'BASE TABLE'
          and table_name not in ('relay_cursor', 'migrations', 'machinery_migrations') and table_name !~ '^outbox_'
      loop
        execute format('delete from %I', name);
      end loop;
    end $$
  `);
}
