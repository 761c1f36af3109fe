/**
 * What the invariants look at: topics, tables, the sandbox's own log, the services' logs and metrics, the generator's
 * journal. Nothing here writes: Postgres refuses it (`default_transaction_read_only`), topics are read by a group that
 * commits nothing. Each topic is read once a run and kept.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { avroSchemas } from '@lead-flood/contracts';
import type { EventName, Events } from '@lead-flood/contracts';
import type { Codec, KafkaClient, RawRecord, TopicEnds } from '@lead-flood/kafka';
import {
  createCodec,
  createKafkaClient,
  createRegistry,
  headerNames,
  headerText,
  readTopic,
  topicEnds,
} from '@lead-flood/kafka';
import type { Database } from '@lead-flood/postgres';
import { createDatabase, readPositions } from '@lead-flood/postgres';
import { learnSchemas } from '@lead-flood/processor';
import type { Accepted } from './book.ts';
import { readBook } from './book.ts';
import { CannotCheck } from './invariant.ts';
import type { Group, Schema } from './groups.ts';
import { schemas } from './groups.ts';

export type Sources = {
  readonly kafka: string;
  readonly postgres: string;
  readonly registry: string;
  readonly sandbox?: string | undefined;
  /** The sandbox's file, of this run alone: over HTTP it tells the newest lines only. */
  readonly book?: string | undefined;
  /** Folder of the services' log files. */
  readonly logs?: string | undefined;
  /** Address of each service's metrics. */
  readonly operations?: Readonly<Record<string, string>> | undefined;
  /** What the generator knows to be acknowledged. */
  readonly acked?: Acked | undefined;
  /** Messages that faults may have left in doubt; without a number they are counted and allowed. */
  readonly doubtsMax?: number | undefined;
  /** The same for lookups that were paid twice. */
  readonly paidTwiceMax?: number | undefined;
  /** What an earlier look has judged: both numbers are of what has come since. */
  readonly before?: Doubtful | undefined;
  /** What was injected, to be found in the logs. */
  readonly faults?: readonly InjectedFault[] | undefined;
  /** From then on there was always somebody who could hold the clocks' lease, if not at every moment. */
  readonly tickingSince?: number | undefined;
  /** An earlier measurement of memory and handles. */
  readonly baseline?: Measurement | undefined;
};

/** What may have been done twice, by message and by question. */
export type Doubtful = {
  readonly doubts: ReadonlySet<string>;
  /** How often each question was paid that was paid more than once. */
  readonly paidTwice: ReadonlyMap<string, number>;
};

export const acked = z.object({
  leads: z.array(z.string()),
  files: z.record(z.string(), z.int()),
  /** Natural keys of submissions that the broker has stored: each must be in the topic, and answered by discovery. */
  published: z.array(z.string()).default([]),
  /**
   * People whom a door called known without telling their lead: an earlier try made it, or somebody else's submission of the
   * same person. By `kind:value` of each thing that identifies them; a lead must have one of these.
   */
  known: z.array(z.object({ id: z.string(), keys: z.array(z.string()) })).default([]),
});
export type Acked = z.infer<typeof acked>;

export const injectedFault = z.object({
  name: z.string(),
  from: z.number(),
  until: z.number(),
  /** Whose log must show it (any service's without a name), by a line that matches. */
  service: z.string().nullable(),
  shows: z.string(),
});
export type InjectedFault = z.infer<typeof injectedFault>;

export const measurement = z.record(z.string(), z.object({ heapBytes: z.number(), handles: z.number() }));
export type Measurement = z.infer<typeof measurement>;

export type Seen = {
  readonly [N in EventName]: {
    readonly name: N;
    readonly data: Events[N];
    readonly id: string;
    readonly key: string;
    readonly version: number | null;
    readonly record: RawRecord;
  };
}[EventName];

export type Place = { readonly group: Group; readonly topic: string; readonly partition: number; readonly lag: number };

export type World = Sources & {
  readonly client: KafkaClient;
  readonly codec: Codec;
  readonly database: (schema: Schema) => Database;
  readonly records: (topic: string) => Promise<readonly RawRecord[]>;
  /** The readable events of a topic in order, a repeat of the same message once. */
  readonly events: (topic: string) => Promise<readonly Seen[]>;
  readonly ends: (topic: string) => Promise<TopicEnds>;
  /** Throws `CannotCheck` where the topic no longer begins at its beginning. */
  readonly wholeTopics: (...topics: readonly string[]) => Promise<void>;
  readonly lag: (group: Group) => Promise<readonly Place[]>;
  readonly sandboxLog: () => Promise<readonly Accepted[]>;
  /** Forgets what was read of topics. */
  readonly refresh: () => void;
  readonly end: () => Promise<void>;
};

export async function openWorld(sources: Sources): Promise<World> {
  const client = createKafkaClient({
    brokers: sources.kafka.split(','),
    clientId: 'invariants',
    log: () => undefined,
  });
  const codec = await createCodec(createRegistry(sources.registry), Object.keys(avroSchemas) as EventName[]);
  const databases = new Map<Schema, Database>();
  for (const schema of schemas) {
    const database = await createDatabase({
      url: sources.postgres,
      schema,
      applicationName: 'invariants',
      connectionsMax: 2,
      readOnly: true,
    });
    databases.set(schema, database);
  }
  const read = new Map<string, Promise<readonly RawRecord[]>>();
  const decoded = new Map<string, readonly Seen[]>();
  const records = (topic: string): Promise<readonly RawRecord[]> => {
    const known = read.get(topic) ?? readTopic(client, topic);
    read.set(topic, known);
    return known;
  };
  const ends = (topic: string): Promise<TopicEnds> => topicEnds(client, topic);
  const database = (schema: Schema): Database => {
    const found = databases.get(schema);
    if (found === undefined) throw new CannotCheck(`no schema ${schema}`);
    return found;
  };

  return {
    ...sources,
    client,
    codec,
    database,
    records,
    ends,
    events: async (topic) => {
      const all = await records(topic);
      await learnSchemas(codec, all);
      const known = decoded.get(topic) ?? eventsOf(codec, all);
      decoded.set(topic, known);
      return known;
    },
    async wholeTopics(...names) {
      for (const name of names) {
        const cut = Object.entries(await ends(name)).filter(([, { low }]) => low > 0);
        if (cut.length > 0) throw new CannotCheck(`${name} has lost its beginning to retention`);
      }
    },
    lag: (group) => lagOf(group, database(group.schema), ends),
    async sandboxLog() {
      if (sources.sandbox === undefined) throw new CannotCheck('no sandbox: providers keep their own books');
      return readBook(sources.sandbox, sources.book);
    },
    refresh: () => {
      read.clear();
      decoded.clear();
    },
    end: async () => {
      await Promise.all([...databases.values()].map((one) => one.end()));
    },
  };
}

function eventsOf(codec: Codec, all: readonly RawRecord[]): readonly Seen[] {
  const ids = new Set<string>();
  return all.flatMap((record) => {
    const decoded = codec.decode(record.value);
    if (!decoded.ok) return [];
    const id =
      headerText(record.headers, headerNames.messageId) ?? `${record.topic}/${record.partition}@${record.offset}`;
    if (ids.has(id)) return [];
    ids.add(id);
    const version = headerText(record.headers, headerNames.version);
    const { name, data } = decoded;
    const seen = {
      name,
      data,
      id,
      key: record.key?.toString('utf8') ?? '',
      version: version === null ? null : Number(version),
      record,
    };
    return [seen as Seen];
  });
}

/** Messages between a group's places and the ends of its topics; a partition without a row was never begun. */
async function lagOf(
  group: Group,
  database: Database,
  ends: (topic: string) => Promise<TopicEnds>,
): Promise<readonly Place[]> {
  const rows = new Map(
    (await readPositions(database, group.name)).map((p) => [`${p.topic}/${p.partition}`, p.nextOffset]),
  );
  const places = await Promise.all(
    group.reads.map(async (topic) =>
      Object.entries(await ends(topic)).map(([partition, { low, high }]) => ({
        group,
        topic,
        partition: Number(partition),
        lag: Math.max(0, high - Math.max(low, rows.get(`${topic}/${partition}`) ?? 0)),
      })),
    ),
  );
  return places.flat();
}

export const readJson = <T>(path: string, shape: z.ZodType<T>): T =>
  shape.parse(JSON.parse(readFileSync(path, 'utf8')));
