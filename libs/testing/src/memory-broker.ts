/**
 * A log in memory where Kafka is, so that a run costs milliseconds. It stands below the port: `createConsumer` and
 * `createProducer` of libs/kafka run as they are, on a client that answers the few calls of kafkajs which they make.
 *
 *   producer.sendBatch ─▶ append ─▶ topic/partition: [0][1][2] ─▶ fetch from the place sought ─▶ eachBatch
 *
 * What it is not: a group. Its one member owns every partition from the moment it runs, and neither loses one nor is
 * told of anything; offsets that are told are forgotten. Groups are the conformance suite's, on a real broker.
 */
import type { KafkaClient, OutgoingRecord, RawRecord, SendableRecord } from '@lead-flood/kafka';

type KafkaJsConsumer = ReturnType<KafkaClient['consumer']>;
type KafkaJsProducer = ReturnType<KafkaClient['producer']>;
type EachBatch = NonNullable<NonNullable<Parameters<KafkaJsConsumer['run']>[0]>['eachBatch']>;
type Payload = Parameters<EachBatch>[0];
type Listener = (event: { payload: unknown }) => void;

export type MemoryBroker = {
  readonly append: (records: readonly SendableRecord[]) => void;
  /** Every record of a topic, in partition order. */
  readonly records: (topic: string) => readonly RawRecord[];
  /** By partition the offset after the last record. */
  readonly ends: (topic: string) => readonly number[];
  /** A client as `createKafkaClient` gives it; each process has one of its own. */
  readonly client: () => KafkaClient;
};

const PARTITIONS = 3;

type Log = { readonly topics: Map<string, RawRecord[][]>; readonly woken: Set<() => void> };

export function createMemoryBroker(): MemoryBroker {
  const log: Log = { topics: new Map(), woken: new Set() };
  return {
    append: (records) => {
      append(log, records);
    },
    records: (topic) => partitionsOf(log, topic).flat(),
    ends: (topic) => partitionsOf(log, topic).map(({ length }) => length),
    // Casts: only what createConsumer and createProducer of libs/kafka call is here, and a call of anything else throws.
    client: () =>
      ({
        consumer: () => createMember(log) as unknown as KafkaJsConsumer,
        producer: () => createSender(log) as unknown as KafkaJsProducer,
      }) as unknown as KafkaClient,
  };
}

function partitionsOf(log: Log, topic: string): RawRecord[][] {
  const present = log.topics.get(topic);
  if (present !== undefined) return present;
  const partitions = Array.from({ length: PARTITIONS }, (): RawRecord[] => []);
  log.topics.set(topic, partitions);
  return partitions;
}

const asBuffer = (key: OutgoingRecord['key']): Buffer | null => (key === null ? null : Buffer.from(key));

function append(log: Log, records: readonly SendableRecord[]): void {
  for (const { topic, key, value, headers } of records) {
    const partition = (asBuffer(key) ?? Buffer.alloc(0)).reduce((sum, byte) => sum + byte, 0) % PARTITIONS;
    const partitions = partitionsOf(log, topic);
    const records = partitions[partition] ?? [];
    // As bytes: what comes from a broker is never the object that went there.
    const bytes = Object.entries(headers).map(([name, text]) => [
      name,
      Array.isArray(text) || text === null ? text : Buffer.from(text),
    ]);
    records.push({
      topic,
      partition,
      offset: records.length,
      timestamp: Date.now(),
      key: asBuffer(key),
      value,
      headers: Object.fromEntries(bytes) as RawRecord['headers'],
    });
  }
  for (const wake of log.woken) wake();
}

function createSender(log: Log): object {
  const nothing = (): Promise<void> => Promise.resolve();
  return {
    connect: nothing,
    disconnect: nothing,
    sendBatch: ({ topicMessages = [] }: Parameters<KafkaJsProducer['sendBatch']>[0]): Promise<[]> => {
      append(
        log,
        topicMessages.flatMap(({ topic, messages }) =>
          messages.map((message) => ({ ...message, topic }) as unknown as SendableRecord),
        ),
      );
      return Promise.resolve([]);
    },
  };
}

/** Names as kafkajs has them; only those that libs/kafka listens to. */
const events = {
  GROUP_JOIN: 'group_join',
  REBALANCING: 'rebalancing',
  CRASH: 'crash',
  FETCH: 'fetch',
  HEARTBEAT: 'heartbeat',
} as const;

type Place = { next: number; seeks: number };
type PlaceOf = (topic: string, partition: number) => Place;

const somethingNew = (log: Log, state: { wake: () => void }): Promise<void> =>
  new Promise((resolve) => {
    state.wake = () => {
      log.woken.delete(state.wake);
      resolve();
    };
    log.woken.add(state.wake);
  });

function payloadOf(log: Log, placeOf: PlaceOf, records: readonly RawRecord[]): Payload {
  const { topic = '', partition = 0 } = records[0] ?? {};
  const place = placeOf(topic, partition);
  const { seeks } = place;
  return {
    batch: {
      topic,
      partition,
      highWatermark: String(partitionsOf(log, topic)[partition]?.length ?? 0),
      messages: records.map((record) => ({
        ...record,
        offset: String(record.offset),
        timestamp: String(record.timestamp),
      })),
      lastOffset: () => String(records.at(-1)?.offset ?? -1),
    },
    heartbeat: () => Promise.resolve(),
    isStale: () => place.seeks !== seeks,
    resolveOffset: (offset: string) => {
      place.next = Number(offset) + 1;
    },
  } as unknown as Payload;
}

function createMember(log: Log): object {
  const listeners = new Map<string, Listener>();
  const places = new Map<string, Place>();
  const state = { topics: [] as string[], stopped: false, wake: (): void => undefined };
  let whole: Promise<void> = Promise.resolve();

  const placeOf = (topic: string, partition: number): Place => {
    const at = `${topic}/${partition}`;
    const place = places.get(at) ?? { next: 0, seeks: 0 };
    places.set(at, place);
    return place;
  };

  const fetch = (): RawRecord[][] =>
    state.topics.flatMap((topic) =>
      partitionsOf(log, topic)
        .map((records, partition) => records.slice(placeOf(topic, partition).next))
        .filter(({ length }) => length > 0),
    );

  async function run(eachBatch: EachBatch): Promise<void> {
    try {
      while (!state.stopped) {
        const fetched = fetch();
        if (fetched.length === 0) await somethingNew(log, state);
        else await Promise.all(fetched.map((records) => eachBatch(payloadOf(log, placeOf, records))));
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
      }
    } catch (error) {
      listeners.get(events.CRASH)?.({ payload: { error, restart: false } });
    }
  }

  return {
    events,
    on: (event: string, listener: Listener) => void listeners.set(event, listener),
    connect: () => Promise.resolve(),
    subscribe: ({ topics }: { topics: string[] }) => {
      state.topics = topics;
      return Promise.resolve();
    },
    run: ({ eachBatch }: { eachBatch: EachBatch }) => {
      const all = Array.from({ length: PARTITIONS }, (_, partition) => partition);
      const memberAssignment = Object.fromEntries(state.topics.map((topic) => [topic, all]));
      listeners.get(events.GROUP_JOIN)?.({ payload: { memberAssignment } });
      whole = run(eachBatch);
      return Promise.resolve();
    },
    seek: ({ topic, partition, offset }: { topic: string; partition: number; offset: string }) => {
      const place = placeOf(topic, partition);
      place.next = Number(offset);
      place.seeks += 1;
      state.wake();
    },
    commitOffsets: () => Promise.resolve(),
    stop: async () => {
      state.stopped = true;
      state.wake();
      await whole;
    },
    disconnect: () => Promise.resolve(),
  };
}
