/**
 * A processor on a real broker and a real database, with topics and tables of its own: publish to it, wait until it has
 * caught up, look at what it wrote, stop it, let it crash, start it again.
 */
import { isDeepStrictEqual } from 'node:util';
import type { EventName, Events, Topic } from '@lead-flood/contracts';
import { topicOf } from '@lead-flood/contracts';
import type { Codec, KafkaClient, OutgoingRecord, Producer, RawRecord, SendableRecord } from '@lead-flood/kafka';
import {
  createCodec,
  createKafkaClient,
  createProducer,
  createRegistry,
  createTopics,
  headerNames,
  headerText,
  readTopic,
  topicEnds,
} from '@lead-flood/kafka';
import { avroSchemas } from '@lead-flood/contracts';
import type { FaultHook } from '@lead-flood/kernel';
import { invariant, randomId, systemClock } from '@lead-flood/kernel';
import type { Database, Relay } from '@lead-flood/postgres';
import { readPositions, sql, startRelay } from '@lead-flood/postgres';
import type { Running, ShellDeps, Startable, Telemetry } from '@lead-flood/processor';
import { keyOf, learnSchemas, silentTelemetry } from '@lead-flood/processor';
import { createTestDatabase } from './database.ts';
import { testEnvironment } from './environment.ts';
import { createFaultScope } from './fault-scope.ts';
import type { Member } from './member.ts';
import { startMember } from './member.ts';
import { eventually } from './waiting.ts';

export type TestEvent = {
  readonly [N in EventName]: { name: N; data: Events[N]; id?: string; key?: string; version?: number };
}[EventName];

/** What a line runs: a starter of libs/processor, or anything else that reads and writes topics. */
export type Subject = Startable & {
  readonly processor: {
    readonly reads: readonly Pick<Topic, 'name' | 'events'>[];
    readonly writes: readonly Pick<Topic, 'name'>[];
  };
};

export type HeardEvent = {
  readonly id: string;
  readonly name: string;
  readonly key: string;
  readonly version: number | null;
  readonly data: unknown;
};

export type Line = {
  readonly database: Database;
  readonly codec: Codec;
  readonly prefix: string;
  readonly client: KafkaClient;
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  /** One more member of the group, which can be frozen; it ends with the line at the latest. */
  readonly join: () => Promise<Member>;
  /** One more relay, as a second replica has. */
  readonly addRelay: () => void;
  /** What the processors of this line pass from now on, and nobody else's. */
  readonly onFault: (hook: FaultHook | null) => void;
  /** What the processors complained about. */
  readonly errors: readonly Error[];
  /** Resolves with the error that ended the processor (a simulated crash). */
  readonly crashed: () => Promise<Error>;
  readonly publish: (...events: readonly TestEvent[]) => Promise<void>;
  readonly publishRaw: (...records: readonly SendableRecord[]) => Promise<void>;
  /** Waits until every partition of what it reads is processed and the outbox published. */
  readonly caughtUp: (deadlineMs?: number) => Promise<void>;
  /** Every record of a topic, in partition order. */
  readonly records: (topic: string) => Promise<readonly RawRecord[]>;
  /** The events of a topic in order, without repeats of the same message id. */
  readonly events: (topic: string) => Promise<readonly HeardEvent[]>;
  readonly outcomes: ReadonlyMap<string, number>;
  readonly close: () => Promise<void>;
};

export const encodeTestEvent = (codec: Codec, event: TestEvent): OutgoingRecord => ({
  topic: topicOf[event.name],
  key: event.key ?? keyOf(event),
  value: codec.encode(event.name, event.data),
  headers: {
    [headerNames.messageId]: event.id ?? randomId(),
    [headerNames.correlationId]: 'test',
    [headerNames.orgId]: event.data.orgId,
    ...(event.version === undefined ? {} : { [headerNames.version]: String(event.version) }),
  },
});

const PARTITIONS = 3;

let sharedCodec: Promise<Codec> | null = null;

/** One per test file: it looks up every subject, and the registry shares two cores with everything else. */
export function testCodec(): Promise<Codec> {
  sharedCodec ??= createCodec(
    createRegistry(testEnvironment().SCHEMA_REGISTRY_URL),
    Object.keys(avroSchemas) as EventName[],
  );
  return sharedCodec;
}

export async function createLine(starter: Subject, at: { schema: string; migrations: string }): Promise<Line> {
  const environment = testEnvironment();
  const prefix = `t${randomId().slice(0, 8)}.`;
  const { processor, group } = starter;
  const { database, drop } = await createTestDatabase(at);
  const client = createKafkaClient({
    brokers: environment.KAFKA_BROKERS.split(','),
    clientId: `test-${group}`,
    log: () => undefined,
  });
  const own = (name: string): Topic => ({
    name,
    owner: group,
    key: null,
    keyOf: {},
    partitions: PARTITIONS,
    retentionDays: 1,
    events: [],
  });
  const topicNames = [
    ...new Set([...processor.reads, ...processor.writes].map((t) => t.name)),
    `${group}.dead-letter.v1`,
    `${group}.timer.v1`,
  ];
  await createTopics(client, topicNames.map(own), prefix);
  const codec = await testCodec();
  const producer: Producer = await createProducer(client);
  const outcomes = new Map<string, number>();
  let running: Running | null = null;
  let relays: Relay[] = [];
  let members: Member[] = [];
  const scope = createFaultScope();
  let fatal = Promise.withResolvers<Error>();

  const send = (records: readonly SendableRecord[]): Promise<void> =>
    producer.send(records.map((r) => ({ ...r, topic: prefix + r.topic })));

  const errors: Error[] = [];
  const telemetry: Telemetry = {
    ...silentTelemetry,
    error: (_group, error) => {
      errors.push(error);
    },
    outcome: (_group, _topic, outcome, reason) => {
      const label = reason === '' ? outcome : `${outcome}:${reason}`;
      outcomes.set(label, (outcomes.get(label) ?? 0) + 1);
    },
  };

  const stop = async (): Promise<void> => {
    await Promise.all([running?.stop(), ...members.map((member) => member.stop())]);
    await Promise.all(relays.map((relay) => relay.stop()));
    running = null;
    members = [];
    relays = [];
  };

  const addRelay = (): void => {
    relays.push(scope.run(() => startRelay({ database, schema: at.schema, publish: send, onError: () => undefined })));
  };

  const deps = (): ShellDeps => ({
    client,
    codec,
    database,
    clock: systemClock,
    telemetry,
    topicPrefix: prefix,
    wakeRelay: () => {
      for (const relay of relays) relay.wake();
    },
    onFatal: (error) => {
      fatal.resolve(error);
    },
  });

  const endsOfReads = (): Promise<Ends> =>
    Promise.all(
      processor.reads.map(async ({ name }) => [prefix + name, await topicEnds(client, prefix + name)] as const),
    );

  /** At rest: everything is published, everything published is read, and that brought nothing new. */
  const catchUp = async (deadlineMs?: number): Promise<void> => {
    const published = (): Promise<true> =>
      eventually('the outbox to be published', () => outboxIsEmpty(database), deadlineMs);
    await published();
    for (;;) {
      const ends = await endsOfReads();
      await eventually(`${group} to catch up`, () => hasReached(database, group, ends), deadlineMs);
      await published();
      if (isDeepStrictEqual(await endsOfReads(), ends)) return;
    }
  };

  const records = (topic: string): Promise<readonly RawRecord[]> => readTopic(client, prefix + topic);

  return {
    database,
    codec,
    prefix,
    client,
    outcomes,
    errors,
    addRelay,
    onFault: scope.onFault,
    async join() {
      const member = await startMember(starter, deps());
      members.push(member);
      return member;
    },
    async start() {
      invariant(running === null, 'already started');
      fatal = Promise.withResolvers();
      addRelay();
      running = await scope.run(() => starter.start(deps()));
    },
    stop,
    crashed: () => fatal.promise,
    publish: (...events) => send(events.map((event) => encodeTestEvent(codec, event))),
    publishRaw: (...raw) => send(raw),
    async caughtUp(deadlineMs) {
      const before = errors.length;
      try {
        await catchUp(deadlineMs);
      } catch (error) {
        // What the processor itself complained about says more than "too late".
        throw new Error(error instanceof Error ? error.message : String(error), {
          cause: errors.slice(before).at(-1) ?? (await Promise.race([fatal.promise, null])),
        });
      }
    },
    records,
    events: async (topic) => distinctEvents(codec, await records(topic)),
    async close() {
      await stop();
      await producer.stop();
      await drop();
    },
  };
}

/** The events among these records, in order, without repeats of the same message id. */
export async function distinctEvents(codec: Codec, records: readonly RawRecord[]): Promise<readonly HeardEvent[]> {
  const seen = new Set<string>();
  await learnSchemas(codec, records);
  return records.flatMap((record) => {
    const decoded = codec.decode(record.value);
    const id = headerText(record.headers, headerNames.messageId) ?? '';
    if (!decoded.ok || seen.has(id)) return [];
    seen.add(id);
    const version = headerText(record.headers, headerNames.version);
    return [
      {
        id,
        name: decoded.name,
        key: record.key?.toString('utf8') ?? '',
        version: version === null ? null : Number(version),
        data: decoded.data,
      },
    ];
  });
}

type Ends = readonly (readonly [topic: string, Awaited<ReturnType<typeof topicEnds>>])[];

async function hasReached(database: Database, group: string, ends: Ends): Promise<boolean> {
  const positions = new Map(
    (await readPositions(database, group)).map((p) => [`${p.topic}/${p.partition}`, p.nextOffset]),
  );
  return ends.every(([topic, partitions]) =>
    Object.entries(partitions).every(([partition, { high }]) => (positions.get(`${topic}/${partition}`) ?? 0) >= high),
  );
}

async function outboxIsEmpty(database: Database): Promise<boolean> {
  return !(await database.exists(
    sql.unsafe`select 1 from outbox where (tx, seq) > (select tx, seq from relay_cursor where slot = 0)`,
  ));
}
