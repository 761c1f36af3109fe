/**
 * One record out of a fetched batch, with what kafkajs expects of one. Its own decoder makes a 64-bit object for each number
 * and copies the headers once for each header; here numbers are numbers (offsets and times stay far below 2^53), and headers
 * are read when somebody asks for them.
 */
import type { HeaderValue, RawHeaders } from './record.ts';

export type BatchContext = {
  readonly firstOffset: string;
  readonly firstTimestamp: string;
  readonly maxTimestamp: string;
  readonly timestampType: number;
  readonly magicByte: number;
  readonly isControlBatch?: boolean;
};

const LOG_APPEND_TIME = 1;

/**
 * A record as it lies in the fetch, read as far as everybody needs it. Some thousand of them wait while the first are dealt
 * with: a dozen small objects each would live through several collections, which was a fifth of a worker's time.
 *
 * Brokers do not look into a compressed batch, so its lengths and counts may be anybody's: all are walked once, and a record
 * that does not end where it says throws.
 */
export class DecodedRecord {
  readonly magicByte: number;
  readonly attributes: number;
  readonly timestamp: string;
  readonly offset: string;
  readonly value: Buffer | null;
  readonly isControlRecord: boolean;
  readonly batchContext: BatchContext;
  readonly #bytes: Buffer;
  readonly #keyAt: number;
  readonly #headersAt: number;

  /** The record's bytes lie from `at` (behind its length) up to `end` in the bytes of its batch. Throws RangeError. */
  constructor(bytes: Buffer, at: number, end: number, context: BatchContext) {
    const reader = new Reader(bytes, at + 1);
    const timestampDelta = reader.integer();
    const offsetDelta = reader.integer();
    const isAppendTime = context.timestampType === LOG_APPEND_TIME && context.maxTimestamp !== '';
    this.magicByte = context.magicByte;
    this.attributes = bytes.readInt8(at);
    this.timestamp = isAppendTime ? context.maxTimestamp : String(Number(context.firstTimestamp) + timestampDelta);
    this.offset = String(Number(context.firstOffset) + offsetDelta);
    this.isControlRecord = context.isControlBatch ?? false;
    this.batchContext = context;
    this.#bytes = bytes;
    this.#keyAt = reader.at;
    reader.skip();
    this.value = reader.slice();
    this.#headersAt = reader.at;
    const headers = reader.integer();
    // Each has a length of a name and one of a value at least.
    if (headers < 0 || headers > (end - reader.at) / 2) throw new RangeError(`${headers} headers`);
    for (let i = 0; i < headers * 2; i += 1) reader.skip();
    if (reader.at !== end) throw new RangeError('a record does not end where it says');
  }

  get key(): Buffer | null {
    return new Reader(this.#bytes, this.#keyAt).slice();
  }

  /** All of them, bytes as they came; a repeated one as a list. Made anew each time. */
  get headers(): RawHeaders {
    const reader = new Reader(this.#bytes, this.#headersAt);
    // Without a prototype: a foreign writer may call a header `__proto__` or `constructor`.
    const headers = Object.create(null) as Record<string, HeaderValue | HeaderValue[]>;
    for (let count = reader.integer(); count > 0; count -= 1) {
      const name = reader.slice()?.toString('utf8') ?? 'null';
      const one = reader.slice();
      const known = headers[name];
      headers[name] = known === undefined ? one : Array.isArray(known) ? [...known, one] : [known, one];
    }
    return headers;
  }

  /** What `headerText` says of `headers`, without making them. The name is ASCII, as ours are. */
  headerText(name: string): string | null {
    const reader = new Reader(this.#bytes, this.#headersAt);
    for (let count = reader.integer(); count > 0; count -= 1) {
      const isIt = reader.isNext(name);
      reader.skip();
      if (isIt) return reader.slice()?.toString('utf8') ?? null;
      reader.skip();
    }
    return null;
  }
}

/** Forward through a record. Lengths of -1 stand for null. */
class Reader {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** Zigzag varint; multiplied and not shifted, since times may need more than 32 bits. */
  integer(): number {
    let value = 0;
    let unit = 1;
    let byte: number;
    do {
      byte = this.#bytes[this.at++] ?? 0;
      value += (byte & 0x7f) * unit;
      unit *= 128;
    } while (byte >= 0x80);
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  slice(): Buffer | null {
    const length = this.integer();
    if (length < 0) return null;
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  skip(): void {
    const length = this.integer();
    this.at += Math.max(length, 0);
  }

  /** Whether the next text is this one; stays where it is. */
  isNext(text: string): boolean {
    const { at } = this;
    const length = this.integer();
    const from = this.at;
    this.at = at;
    if (length !== text.length) return false;
    for (let i = 0; i < length; i += 1) if (this.#bytes[from + i] !== text.charCodeAt(i)) return false;
    return true;
  }
}
