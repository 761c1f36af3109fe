/**
 * The record batches of one partition out of a fetch. kafkajs' own reader throws at a batch that it cannot unpack, and
 * meets it again after every restart: whoever may write a topic could stop its readers for ever. Here such a batch is one
 * record that says so, at the batch's last place, with the bytes as they came. Layout: record-batch.ts.
 */
import { toError } from '@lead-flood/kernel';
import { unpack, UNPACKED_BYTES_MAX } from './compression.ts';
import type { BatchContext } from './record-decoder.ts';
import { DecodedRecord } from './record-decoder.ts';

/** First offset and length. */
const BEFORE_LENGTH_BYTES = 8 + 4;
/** All that stands before the records. */
const HEAD_BYTES = 61;
const FLAG = { appendTime: 0x08, transaction: 0x10, control: 0x20 };
/** An event of ours has some hundred bytes; a million empty records would take the memory for nothing. */
const RECORDS_MAX = 200_000;

export type FullBatchContext = BatchContext & {
  readonly partitionLeaderEpoch: number;
  readonly inTransaction: boolean;
  readonly isControlBatch: boolean;
  readonly lastOffsetDelta: number;
  readonly producerId: string;
  readonly producerEpoch: number;
  readonly firstSequence: number;
};

/** A record, or (`unreadable`) a whole batch in the place of its records, and why; that one has no headers to look up. */
export type FetchedRecord = Omit<DecodedRecord, 'headerText'> &
  Partial<Pick<DecodedRecord, 'headerText'>> & { readonly unreadable?: string };

/** A batch whose end the fetch has cut off is left for the next one. */
export function decodeBatches(bytes: Buffer): FetchedRecord[] {
  const records: FetchedRecord[] = [];
  let unpacked = 0;
  for (let at = 0; at + HEAD_BYTES <= bytes.length;) {
    const end = at + BEFORE_LENGTH_BYTES + bytes.readInt32BE(at + 8);
    if (end > bytes.length) break;
    const batch = bytes.subarray(at, end);
    const context = contextOf(batch);
    const count = batch.readInt32BE(HEAD_BYTES - 4);
    try {
      const body = unpackRecords(batch, count);
      unpacked += body.length;
      for (const record of recordsOf(body, count, context)) records.push(record);
    } catch (error) {
      records.push(unreadable(batch, context, toError(error)));
    }
    at = end;
    // A thousand small batches may be as large as one large one; the next fetch goes on behind the last record.
    if (records.length > 0 && (unpacked > UNPACKED_BYTES_MAX || records.length > RECORDS_MAX)) break;
  }
  return records;
}

function contextOf(batch: Buffer): FullBatchContext {
  const attributes = batch.readInt16BE(21);
  return {
    firstOffset: String(batch.readBigInt64BE(0)),
    partitionLeaderEpoch: batch.readInt32BE(12),
    magicByte: batch.readInt8(16),
    inTransaction: (attributes & FLAG.transaction) !== 0,
    isControlBatch: (attributes & FLAG.control) !== 0,
    timestampType: (attributes & FLAG.appendTime) === 0 ? 0 : 1,
    lastOffsetDelta: batch.readInt32BE(23),
    firstTimestamp: String(batch.readBigInt64BE(27)),
    maxTimestamp: String(batch.readBigInt64BE(35)),
    producerId: String(batch.readBigInt64BE(43)),
    producerEpoch: batch.readInt16BE(51),
    firstSequence: batch.readInt32BE(53),
  };
}

function unpackRecords(batch: Buffer, count: number): Buffer {
  if (count > RECORDS_MAX) throw new RangeError(`${count} records`);
  const body = batch.subarray(HEAD_BYTES);
  return count > 0 ? unpack(batch.readInt16BE(21), body) : body;
}

/** All of a batch, or none: throws RangeError where lengths, offsets or the end are not what they should be. */
function recordsOf(body: Buffer, count: number, context: FullBatchContext): DecodedRecord[] {
  const records: DecodedRecord[] = [];
  const last = Number(context.firstOffset) + context.lastOffsetDelta;
  let previous = Number(context.firstOffset) - 1;
  let at = 0;
  for (let i = 0; i < count; i += 1) {
    let length = 0;
    let byte = 0x80;
    for (let unit = 1; byte >= 0x80; unit *= 128) {
      byte = body.readUInt8(at++);
      length += (byte & 0x7f) * unit;
    }
    // Zigzag: an odd number is a negative one.
    if (length % 2 !== 0 || at + length / 2 > body.length) throw new RangeError('a record ends early');
    const record = new DecodedRecord(body, at, at + length / 2, context);
    const offset = Number(record.offset);
    // Positions go behind the last record that was read: one that lies about its place would take them anywhere.
    if (offset <= previous || offset > last) throw new RangeError(`offset ${offset} in a batch up to ${last}`);
    records.push(record);
    previous = offset;
    at += length / 2;
  }
  if (at !== body.length) throw new RangeError(`${body.length - at} bytes behind the last record`);
  return records;
}

function unreadable(batch: Buffer, context: FullBatchContext, error: Error): FetchedRecord {
  const last = Number(context.firstOffset) + context.lastOffsetDelta;
  return {
    magicByte: context.magicByte,
    attributes: 0,
    timestamp: context.maxTimestamp,
    // Readers go on behind the last record that they got.
    offset: String(last),
    key: null,
    value: batch.subarray(HEAD_BYTES),
    headers: {},
    isControlRecord: context.isControlBatch,
    batchContext: context,
    unreadable: `offsets ${context.firstOffset} to ${last}: ${error.message}`,
  };
}
