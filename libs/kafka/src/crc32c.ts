/**
 * CRC-32C (Castagnoli), the checksum of a record batch, four bytes a step (slicing by four): a third of the time of one
 * byte a step. Node has CRC-32 with another polynomial only. Source: RFC 3720, appendix B.4.
 */
const POLYNOMIAL = 0x82f63b78;

const byByte = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ POLYNOMIAL;
  return crc;
});
const shifted = (table: Uint32Array): Uint32Array => table.map((crc) => (crc >>> 8) ^ (byByte[crc & 0xff] ?? 0));
const byTwo = shifted(byByte);
const byThree = shifted(byTwo);
const byFour = shifted(byThree);

/* oxlint-disable typescript/no-non-null-assertion -- every index is a byte and every table has 256 places */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  let at = 0;
  for (const end = bytes.length - 3; at < end; at += 4) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc = byFour[crc & 0xff]! ^ byThree[(crc >>> 8) & 0xff]! ^ byTwo[(crc >>> 16) & 0xff]! ^ byByte[crc >>> 24]!;
  }
  for (; at < bytes.length; at += 1) crc = (crc >>> 8) ^ byByte[(crc ^ bytes[at]!) & 0xff]!;
  return ~crc >>> 0;
}
