/**
 * One record out of a fetched batch, as kafkajs' own decoder gives it. That one makes a 64-bit object for each number and
 * copies the headers once for each header; here numbers are numbers (offsets and times stay far below 2^53).
 */

export type BatchContext = {
  readonly firstOffset: string;
  readonly firstTimestamp: string;
  readonly maxTimestamp: string;
  readonly timestampType: number;
  readonly magicByte: number;
  readonly isControlBatch?: boolean;
};

export type DecodedRecord = {
  readonly magicByte: number;
  readonly attributes: number;
  readonly timestamp: string;
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | null | (Buffer | null)[]>>;
  readonly isControlRecord: boolean;
  readonly batchContext: BatchContext;
};

const LOG_APPEND_TIME = 1;

export function decodeRecordBytes(bytes: Buffer, context: BatchContext): DecodedRecord {
  let at = 1;

  /** Zigzag varint; multiplied and not shifted, since times may need more than 32 bits. */
  const integer = (): number => {
    let value = 0;
    let unit = 1;
    let byte: number;
    do {
      byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * unit;
      unit *= 128;
    } while (byte >= 0x80);
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  };
  const slice = (): Buffer | null => {
    const length = integer();
    if (length < 0) return null;
    at += length;
    return bytes.subarray(at - length, at);
  };

  const timestampDelta = integer();
  const offsetDelta = integer();
  const key = slice();
  const value = slice();
  // Without a prototype: a foreign writer may call a header `__proto__` or `constructor`.
  const headers = Object.create(null) as Record<string, Buffer | null | (Buffer | null)[]>;
  for (let count = integer(); count > 0; count -= 1) {
    const length = integer();
    const name = length < 0 ? 'null' : bytes.toString('utf8', at, at + length);
    at += Math.max(length, 0);
    const one = slice();
    const known = headers[name];
    headers[name] = known === undefined ? one : Array.isArray(known) ? [...known, one] : [known, one];
  }
  const isAppendTime = context.timestampType === LOG_APPEND_TIME && context.maxTimestamp !== '';
  return {
    magicByte: context.magicByte,
    attributes: bytes.readInt8(0),
    timestamp: isAppendTime ? context.maxTimestamp : String(Number(context.firstTimestamp) + timestampDelta),
    offset: String(Number(context.firstOffset) + offsetDelta),
    key,
    value,
    headers,
    isControlRecord: context.isControlBatch ?? false,
    batchContext: context,
  };
}
