/**
 * A member of a consumer group, reduced to what the processor needs: all partitions of one fetch are handed over
 * together, offsets are where the caller says (they live in Postgres), heartbeats do not depend on the handler, and
 * a consumer that cannot go on says so instead of standing still.
 *
 *   fetch ──▶ one call per partition ──┐
 *                                      ├─ same tick ──▶ onFetch([...partitions]) ──▶ next fetch
 *   fetch ──▶ one call per partition ──┘        │
 *                                               └─ a heartbeat every half second while it runs
 */
import './kafkajs-repairs.ts';
import { PartitionAssigners } from 'kafkajs';
import type { Consumer as KafkaJsConsumer, EachBatchPayload, KafkaMessage } from 'kafkajs';
import { toError } from '@lead-flood/kernel';
import { byNumber } from './assigner.ts';
import type { KafkaClient } from './client.ts';
import { headerText } from './record.ts';
import type { RawHeaders, RawRecord } from './record.ts';

export type PartitionBatch = {
  readonly topic: string;
  readonly partition: number;
  /** Counts the assignments of this member; what was read under an older one must not be written any more. */
  readonly generation: number;
  readonly records: readonly RawRecord[];
  /** Offset after the last record of the partition at the time of the fetch. */
  readonly highWatermark: number;
  /** True once the group is rebalancing or the consumer stops: finish what has begun and return. */
  readonly leaving: () => boolean;
};

export type Assignment = {
  readonly partitions: Readonly<Record<string, readonly number[]>>;
  readonly seek: Consumer['seek'];
  /** False once the next one has begun or the consumer stops: nothing that is found out for this one matters any more. */
  readonly isCurrent: () => boolean;
};

export type ConsumerOptions = {
  readonly client: KafkaClient;
  readonly group: string;
  readonly topics: readonly string[];
  /** A crashed member's partitions stand still for this long. */
  readonly sessionTimeoutMs: number;
  readonly fetchBytesMax: number;
  readonly fetchWaitMs: number;
  /**
   * Called with everything that one fetch brought; the next fetch follows when it resolves. False: not all of it was
   * dealt with (the member is leaving), so the next fetch must bring it again.
   */
  readonly onFetch: (batches: readonly PartitionBatch[]) => Promise<boolean>;
  /** After each join: where to begin is the caller's to say. */
  readonly onAssigned?: (assignment: Assignment) => void;
  /**
   * Before all partitions are given up, for a rebalance or for good, and before the first join. The whole group waits for
   * it, so it has to be short.
   */
  readonly beforeGivingUp?: () => Promise<void>;
  /** The consumer cannot go on; the process is expected to end, since kafkajs would stand still for ever. */
  readonly onFatal: (error: Error) => void;
};

export type Consumer = {
  readonly seek: (topic: string, partition: number, offset: number) => void;
  /** Only for those who read lag: nothing of ours starts from these offsets. */
  readonly commitOffsets: (
    offsets: readonly { topic: string; partition: number; nextOffset: number }[],
  ) => Promise<void>;
  /** Milliseconds since 1970 of the last sign of life of the fetch loop. */
  readonly lastSeenAt: () => number;
  readonly assignedCount: () => number;
  readonly stop: () => Promise<void>;
};

/**
 * A member learns by its heartbeat alone that the group divides the partitions anew, and until the last one has learnt it
 * those of the member that left stand still.
 */
const HEARTBEAT_MS = 500;
const heartbeatMsOf = ({ sessionTimeoutMs }: ConsumerOptions): number =>
  Math.min(HEARTBEAT_MS, Math.floor(sessionTimeoutMs / 4));

type Delivery = {
  readonly payload: EachBatchPayload;
  /** When it was handed on to us. */
  readonly generation: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
};

export async function createConsumer(options: ConsumerOptions): Promise<Consumer> {
  const { client, group, topics } = options;
  const state: GroupState = { generation: 0, assigned: 0, numbers: [], lastSeenAt: Date.now(), stopping: false };
  const beforeGivingUp = options.beforeGivingUp ?? (() => Promise.resolve());
  const consumer = client.consumer({
    groupId: group,
    // The group takes the first that all members know: kafkajs' own as long as one is a version that knew no other.
    partitionAssigners: [byNumber({ held: () => state.numbers, beforeGivingUp }), PartitionAssigners.roundRobin],
    sessionTimeout: options.sessionTimeoutMs,
    // How long a member may finish what it has begun before the others go on without it.
    rebalanceTimeout: Math.max(options.sessionTimeoutMs * 2, 15_000),
    heartbeatInterval: heartbeatMsOf(options),
    maxBytesPerPartition: options.fetchBytesMax,
    maxWaitTimeInMs: options.fetchWaitMs,
    minBytes: 1,
    allowAutoTopicCreation: false,
    // As the client's: a broker that is away for a minute is waited for.
    retry: { retries: 20, initialRetryTime: 100, maxRetryTime: 5_000 },
  });
  const seek: Consumer['seek'] = (topic, partition, offset) => {
    // kafkajs throws where nothing runs any more; there is nothing to be sent anywhere then.
    if (!state.stopping) consumer.seek({ topic, partition, offset: String(offset) });
  };
  watchGroup(consumer, options, state, seek);
  await consumer.connect();
  await consumer.subscribe({ topics: [...topics], fromBeginning: true });
  const gather = createGatherer(options, state);
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    // All of one fetch at once; kafkajs walks over as many workers for each, so no more than a member's partitions.
    partitionsConsumedConcurrently: 128,
    eachBatch: (payload) => {
      state.lastSeenAt = Date.now();
      return gather(payload);
    },
  });
  return {
    seek,
    commitOffsets: (offsets) =>
      consumer.commitOffsets(
        offsets.map(({ topic, partition, nextOffset }) => ({ topic, partition, offset: String(nextOffset) })),
      ),
    lastSeenAt: () => state.lastSeenAt,
    assignedCount: () => state.assigned,
    stop: async () => {
      state.stopping = true;
      await consumer.stop();
      await consumer.disconnect();
    },
  };
}

type GroupState = {
  generation: number;
  assigned: number;
  /** Partition numbers that this member has in any topic. */
  numbers: readonly number[];
  lastSeenAt: number;
  stopping: boolean;
};

function watchGroup(
  consumer: KafkaJsConsumer,
  options: ConsumerOptions,
  state: GroupState,
  seek: Consumer['seek'],
): void {
  const { GROUP_JOIN, REBALANCING, CRASH, FETCH, HEARTBEAT } = consumer.events;
  consumer.on(GROUP_JOIN, ({ payload }) => {
    state.generation += 1;
    const partitions = Object.values(payload.memberAssignment).flat();
    state.assigned = partitions.length;
    state.numbers = [...new Set(partitions)];
    state.lastSeenAt = Date.now();
    const { generation } = state;
    const isCurrent = (): boolean => !state.stopping && state.generation === generation;
    options.onAssigned?.({ partitions: payload.memberAssignment, seek, isCurrent });
  });
  consumer.on(REBALANCING, () => {
    state.generation += 1;
  });
  consumer.on(FETCH, () => {
    state.lastSeenAt = Date.now();
  });
  consumer.on(HEARTBEAT, () => {
    state.lastSeenAt = Date.now();
  });
  // kafkajs restarts itself after retriable errors (a coordinator that is loading, a broker that is away); after any
  // other it stands still while the process lives (#1271, #1443), so the process has to end.
  consumer.on(CRASH, ({ payload }) => {
    if (!state.stopping && !payload.restart) options.onFatal(payload.error);
  });
}

/**
 * Collects the per-partition calls of one fetch (kafkajs makes them in the same tick) into one `onFetch`, and makes one of
 * these at a time: kafkajs fetches from every broker of a cluster for itself. What comes meanwhile goes with the next one.
 */
function createGatherer(options: ConsumerOptions, state: GroupState): (payload: EachBatchPayload) => Promise<void> {
  let waiting: Delivery[] = [];
  let delivering = false;
  const flush = async (): Promise<void> => {
    if (delivering) return;
    delivering = true;
    while (waiting.length > 0) {
      const deliveries = waiting;
      waiting = [];
      const current = deliveries.filter(({ generation }) => generation === state.generation);
      const error = await deliver(current, options, state);
      // What was fetched under an assignment that has gone meanwhile is passed by: its owner fetches it.
      for (const delivery of deliveries) {
        if (error === null) delivery.resolve();
        else delivery.reject(error);
      }
      if (error === null) continue;
      // kafkajs begins anew, with this and with all that was fetched meanwhile.
      for (const { reject } of waiting) reject(error);
      waiting = [];
    }
    delivering = false;
  };
  return (payload) =>
    new Promise<void>((resolve, reject) => {
      waiting.push({ payload, generation: state.generation, resolve, reject });
      if (waiting.length === 1) setImmediate(() => void flush());
    });
}

async function deliver(
  deliveries: readonly Delivery[],
  options: ConsumerOptions,
  state: GroupState,
): Promise<Error | null> {
  const first = deliveries[0];
  if (first === undefined) return null;
  const { generation } = state;
  let heartbeatError: Error | null = null;
  // The timer beats even while a transaction or a slow provider holds the handler.
  const timer = setInterval(() => {
    first.payload.heartbeat().catch((error: unknown) => {
      heartbeatError ??= toError(error);
    });
  }, heartbeatMsOf(options));
  const leaving = (): boolean => heartbeatError !== null || state.stopping || state.generation !== generation;
  try {
    const done = await options.onFetch(deliveries.map(({ payload }) => toPartitionBatch(payload, generation, leaving)));
    for (const { payload } of done ? deliveries : []) {
      // A seek made meanwhile wins over the end of this batch.
      if (!payload.isStale()) payload.resolveOffset(payload.batch.lastOffset());
    }
    return heartbeatError;
  } catch (error) {
    return toError(error);
  } finally {
    clearInterval(timer);
  }
}

function toPartitionBatch({ batch }: EachBatchPayload, generation: number, leaving: () => boolean): PartitionBatch {
  const { topic, partition } = batch;
  return {
    topic,
    partition,
    generation,
    leaving,
    highWatermark: Number(batch.highWatermark),
    records: batch.messages.map((message) => new RecordOfTopic(topic, partition, message)),
  };
}

/** kafkajs hands on what batch-decoder.ts made, but does not know of it. */
type Message = KafkaMessage & Pick<RawRecord, 'headerText' | 'unreadable'>;

/**
 * A message of kafkajs with its place as numbers. Key and headers are passed on when somebody asks: record-decoder.ts makes
 * them anew each time. A batch that could not be unpacked, and the broker in memory of the tests, have headers as they are.
 */
class RecordOfTopic implements RawRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly value: Buffer | null;
  readonly #message: Message;

  constructor(topic: string, partition: number, message: Message) {
    this.topic = topic;
    this.partition = partition;
    this.offset = Number(message.offset);
    this.timestamp = Number(message.timestamp);
    this.value = message.value;
    this.#message = message;
  }

  get key(): Buffer | null {
    return this.#message.key;
  }
  get headers(): RawHeaders {
    return this.#message.headers ?? {};
  }
  get unreadable(): string | undefined {
    return this.#message.unreadable;
  }
  headerText(name: string): string | null {
    const message = this.#message;
    return message.headerText === undefined ? headerText(this.headers, name) : message.headerText(name);
  }
}
