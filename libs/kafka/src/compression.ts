/**
 * What a foreign writer compressed, with any of Kafka's codecs, back into the bytes of its records. gzip and zstd are
 * Node's own; snappy and LZ4 are read here, since a reader of either is shorter than a dependency. All of them stop at a
 * size: a kilobyte of zstd can announce a gigabyte.
 */
import { gunzipSync, zstdDecompressSync } from 'node:zlib';

/** A batch of a megabyte, the broker's default, that was well compressed. */
export const UNPACKED_BYTES_MAX = 32 * 1_048_576;

type Unpack = (bytes: Buffer) => Buffer;

/** By the lowest three bits of a batch's attributes; 0 is not compressed. */
const CODECS = new Map<number, Unpack>([
  [1, (bytes) => gunzipSync(bytes, { maxOutputLength: UNPACKED_BYTES_MAX })],
  [2, unpackSnappy],
  [3, unpackLz4],
  [4, (bytes) => zstdDecompressSync(bytes, { maxOutputLength: UNPACKED_BYTES_MAX })],
]);
const CODEC_MASK = 0x07;

/** Throws when the bytes are not what the codec writes, or are too many. */
export function unpack(attributes: number, bytes: Buffer): Buffer {
  const codec = attributes & CODEC_MASK;
  if (codec === 0) return bytes;
  const read = CODECS.get(codec);
  if (read === undefined) throw new RangeError(`there is no codec ${codec}`);
  return read(bytes);
}

/** What has been unpacked so far. Both codecs also say "the n bytes that stood d bytes before". */
class Output {
  #bytes: Buffer;
  #length = 0;

  constructor(expected: number) {
    this.#bytes = Buffer.allocUnsafe(Math.min(expected, UNPACKED_BYTES_MAX));
  }

  get length(): number {
    return this.#length;
  }

  done(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  literal(source: Buffer, from: number, count: number): void {
    if (from + count > source.length) throw new RangeError('ends early');
    this.#grow(count);
    source.copy(this.#bytes, this.#length, from, from + count);
    this.#length += count;
  }

  repeat(distance: number, count: number): void {
    if (distance < 1 || distance > this.#length) throw new RangeError('repeats what is not there');
    this.#grow(count);
    // What is repeated may reach into what is being written: then it is written over and over.
    for (const end = this.#length + count; this.#length < end;) {
      const from = this.#length - distance;
      this.#length += this.#bytes.copy(
        this.#bytes,
        this.#length,
        from,
        Math.min(this.#length, from + end - this.#length),
      );
    }
  }

  #grow(count: number): void {
    const needed = this.#length + count;
    if (needed > UNPACKED_BYTES_MAX) throw new RangeError(`more than ${UNPACKED_BYTES_MAX} bytes`);
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.min(Math.max(needed, this.#bytes.length * 2), UNPACKED_BYTES_MAX));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** Java's snappy puts blocks of its own into a frame (xerial); other languages write one bare block. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
const XERIAL_HEAD_BYTES = XERIAL_MAGIC.length + 4 + 4;

function unpackSnappy(bytes: Buffer): Buffer {
  const output = new Output(bytes.length * 4);
  if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) snappyBlock(bytes, output);
  else
    for (let at = XERIAL_HEAD_BYTES; at < bytes.length;) {
      const length = bytes.readUInt32BE(at);
      at += 4;
      if (at + length > bytes.length) throw new RangeError('ends early');
      snappyBlock(bytes.subarray(at, at + length), output);
      at += length;
    }
  return output.done();
}

/**
 * github.com/google/snappy/blob/main/format_description.txt: the length, then elements. The lowest two bits of an element's
 * first byte say what it is: 0 a literal, else a copy whose distance takes that many bits more or bytes.
 */
function snappyBlock(bytes: Buffer, output: Output): void {
  let at = 0;
  let expected = 0;
  for (let unit = 1; ; unit *= 128) {
    const byte = bytes.readUInt8(at++);
    expected += (byte & 0x7f) * unit;
    if (byte < 0x80) break;
  }
  const end = output.length + expected;
  while (at < bytes.length) {
    const tag = bytes.readUInt8(at++);
    const high = tag >> 2;
    switch (tag & 3) {
      case 0: {
        const lengthBytes = Math.max(0, high - 59);
        const count = 1 + (lengthBytes === 0 ? high : bytes.readUIntLE(at, lengthBytes));
        at += lengthBytes;
        output.literal(bytes, at, count);
        at += count;
        break;
      }
      case 1:
        output.repeat(((tag >> 5) << 8) | bytes.readUInt8(at), 4 + (high & 7));
        at += 1;
        break;
      case 2:
        output.repeat(bytes.readUInt16LE(at), 1 + high);
        at += 2;
        break;
      default:
        output.repeat(bytes.readUInt32LE(at), 1 + high);
        at += 4;
    }
  }
  if (output.length !== end) throw new RangeError('is not as long as it says');
}

const LZ4_MAGIC = 0x184d2204;
const LZ4 = { blockChecksum: 0x10, contentSize: 0x08, contentChecksum: 0x04, dictionary: 0x01, stored: 0x80000000 };

/** github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md. Checksums are passed over: the batch has one of its own. */
function unpackLz4(bytes: Buffer): Buffer {
  const output = new Output(bytes.length * 4);
  if (bytes.readUInt32LE(0) !== LZ4_MAGIC) throw new RangeError('is no frame of LZ4');
  const flags = bytes.readUInt8(4);
  if ((flags & LZ4.dictionary) !== 0) throw new RangeError('needs a dictionary');
  let at = 7 + ((flags & LZ4.contentSize) === 0 ? 0 : 8);
  for (;;) {
    const size = bytes.readUInt32LE(at);
    at += 4;
    if (size === 0) return output.done();
    const length = size % LZ4.stored;
    if (at + length > bytes.length) throw new RangeError('ends early');
    if (size === length) lz4Block(bytes.subarray(at, at + length), output);
    else output.literal(bytes, at, length);
    at += length + ((flags & LZ4.blockChecksum) === 0 ? 0 : 4);
  }
}

/** Pairs of a literal and a repetition; the last has no repetition. Lengths of 15 go on in bytes until one is not 255. */
function lz4Block(bytes: Buffer, output: Output): void {
  let at = 0;
  const lengthFrom = (nibble: number): number => {
    let length = nibble;
    for (let byte = nibble === 15 ? 255 : 0; byte === 255; length += byte) byte = bytes.readUInt8(at++);
    return length;
  };
  while (at < bytes.length) {
    const token = bytes.readUInt8(at++);
    const literal = lengthFrom(token >> 4);
    output.literal(bytes, at, literal);
    at += literal;
    if (at === bytes.length) return;
    const distance = bytes.readUInt16LE(at);
    at += 2;
    output.repeat(distance, 4 + lengthFrom(token & 15));
  }
}
