/**
 * kafkajs is no longer released, so what has to change in it is changed here, before it is loaded: every file of ours that
 * imports kafkajs imports this one first.
 */
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { invariant } from '@lead-flood/kernel';
import { encodeProduceBody } from './record-batch.ts';
import type { EncodableRecord, TopicRecords } from './record-batch.ts';
import { decodeBatches } from './batch-decoder.ts';

const require = createRequire(import.meta.url);

type RequestQueue = {
  pending: unknown[];
  throttledUntil: number;
  scheduleCheckPendingRequests: () => void;
};

/**
 * With nothing pending kafkajs re-arms a timer every millisecond: 4-6 % of a core per idle process, and on Node 24 a
 * `TimeoutNegativeWarning` each time (kafkajs #1556, #1704, #1751). Returning early when nothing waits and no
 * throttle is active leaves 0.2 %.
 */
function repairIdleTimer(): void {
  const queue = require('kafkajs/src/network/requestQueue') as { prototype: RequestQueue };
  const original = queue.prototype.scheduleCheckPendingRequests;
  queue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length === 0 && this.throttledUntil <= Date.now()) return;
    original.call(this);
  };
}

type ProduceRequest = {
  readonly acks: number;
  readonly timeout: number;
  readonly transactionalId?: string | null;
  readonly topicData: readonly TopicRecords[];
};
type Encoder = { buf: Buffer; offset: number };

/** Our record batches instead of kafkajs' (record-batch.ts); what ours does not know goes the old way. */
function replaceEncoder(): void {
  const path = require.resolve('kafkajs/src/protocol/requests/produce/v3/request');
  const EncoderOfKafkajs = require('kafkajs/src/protocol/encoder') as new (size: number) => Encoder;
  const original = require(path) as (request: ProduceRequest) => object;
  replaceModule(path, (request: ProduceRequest & { compression?: number }) => {
    const made = original(request);
    if ((request.compression ?? 0) !== 0 || (request.transactionalId ?? null) !== null) return made;
    return Object.assign(made, {
      encode: () => {
        const { acks, timeout, topicData } = request;
        const encoder = new EncoderOfKafkajs(1);
        encoder.buf = encodeProduceBody(topicData, { acks, timeoutMs: timeout, now: Date.now() });
        encoder.offset = encoder.buf.length;
        return Promise.resolve(encoder);
      },
    });
  });
}

type Decoder = {
  readonly buffer: Buffer;
  offset: number;
  readInt32: () => number;
  canReadBytes: (count: number) => boolean;
  readBytes: (count: number) => Buffer;
};

/** The same for reading (batch-decoder.ts). Brokers of our time keep no other format. */
function replaceDecoder(): void {
  replaceModule(require.resolve('kafkajs/src/protocol/requests/fetch/v4/decodeMessages'), (decoder: Decoder) => {
    const size = decoder.readInt32();
    return Promise.resolve(size <= 0 || !decoder.canReadBytes(size) ? [] : decodeBatches(decoder.readBytes(size)));
  });
}

type Grouping = {
  readonly topic: string;
  readonly partitionMetadata: readonly object[];
  readonly messages: readonly EncodableRecord[];
  readonly partitioner: (choice: {
    topic: string;
    partitionMetadata: readonly object[];
    message: EncodableRecord;
  }) => number;
};

/** kafkajs copies a partition's list for every message that it adds to it. */
function replaceGrouping(): void {
  replaceModule(
    require.resolve('kafkajs/src/producer/groupMessagesPerPartition'),
    ({ topic, partitionMetadata, messages, partitioner }: Grouping) => {
      const groups: Record<number, EncodableRecord[]> = {};
      if (partitionMetadata.length === 0) return groups;
      for (const message of messages) (groups[partitioner({ topic, partitionMetadata, message })] ??= []).push(message);
      return groups;
    },
  );
}

type Connection = {
  send: (request: object) => Promise<unknown>;
  disconnect: () => Promise<unknown>;
  rejectRequests: (error: unknown) => void;
  socket: Socket;
  host: string;
  port: number;
};
const LENGTH_BYTES = 4;
const HAND_OVER_HEARTBEAT_MS = 500;

/**
 * kafkajs keeps a connection whose request had no answer. When that was the first one (which versions does the broker
 * speak?) the next try takes the open socket for a connected broker, and everything that is sent by it is refused with
 * "Broker not connected" until the process ends; with a peer that is gone without a word, every later request waits for
 * its timeout too. As in Java's client a request that timed out ends its connection.
 */
function repairSilentConnection(): void {
  const connection = require('kafkajs/src/network/connection') as { prototype: Connection };
  const { KafkaJSConnectionClosedError: Closed } = require('kafkajs/src/errors') as {
    KafkaJSConnectionClosedError: new (message: string, at: { host: string; port: number }) => Error;
  };
  const original = connection.prototype.send;
  connection.prototype.send = async function (this: Connection, request) {
    const { socket, host, port } = this;
    try {
      return await original.call(this, request);
    } catch (error) {
      const silent = error instanceof Error && error.name === 'KafkaJSRequestTimeoutError';
      // Others that were under way by the same socket may have ended it already.
      if (silent && this.socket === socket && !socket.destroyed) hangUp(this, new Closed('No answer', { host, port }));
      throw error;
    }
  };
}

function hangUp(connection: Connection, error: Error): void {
  const { socket } = connection;
  // What the old socket still brings must not reach the connection that takes its place.
  socket.removeAllListeners();
  socket.on('error', () => undefined);
  socket.destroy();
  connection.rejectRequests(error);
  void connection.disconnect();
  Object.assign(connection, { chunks: [], bytesBuffered: 0, bytesNeeded: LENGTH_BYTES });
}

type Group = {
  readonly assigners: readonly { readonly beforeGivingUp?: () => Promise<void> }[];
  readonly heartbeat: (options: { interval: number }) => Promise<void>;
  joinAndSync: () => Promise<void>;
  leave: () => Promise<void>;
};

/**
 * kafkajs tells nobody before a member gives up its partitions, unless it happens to be in a handler: calls that are under
 * way then go on while the next owner makes them again. Java's client has `onPartitionsRevoked`; here the assigner, the one
 * thing of ours that a group holds, is asked and waited for, with signs of life meanwhile.
 */
function repairHandOver(): void {
  const { prototype } = require('kafkajs/src/consumer/consumerGroup') as { prototype: Group };
  const { joinAndSync, leave } = prototype;
  prototype.joinAndSync = async function (this: Group) {
    await handOver(this);
    return joinAndSync.call(this);
  };
  prototype.leave = async function (this: Group) {
    await handOver(this);
    return leave.call(this);
  };
}

async function handOver(group: Group): Promise<void> {
  // A refused one says that the group is rebalancing, which is why we are here, or that we are out already.
  const beat = (): void => void group.heartbeat({ interval: HAND_OVER_HEARTBEAT_MS }).catch(() => undefined);
  const timer = setInterval(beat, HAND_OVER_HEARTBEAT_MS);
  try {
    await Promise.all(group.assigners.map((assigner) => assigner.beforeGivingUp?.()));
  } finally {
    clearInterval(timer);
  }
}

function replaceModule(path: string, exported: unknown): void {
  require(path);
  const loaded = require.cache[path];
  invariant(loaded !== undefined, `${path} is part of kafkajs`);
  loaded.exports = exported;
}

invariant(
  require.cache[require.resolve('kafkajs/src/producer/sendMessages')] === undefined,
  'kafkajs was loaded before it was repaired',
);
repairIdleTimer();
replaceEncoder();
replaceDecoder();
replaceGrouping();
repairSilentConnection();
repairHandOver();
