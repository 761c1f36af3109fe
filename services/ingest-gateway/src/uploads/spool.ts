/**
 * A file on its way through: received whole before anything of it is kept, without ever being in memory. It is read twice
 * afterwards (is it sound? then its rows), which a stream from the network cannot be.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { toError } from '@lead-flood/kernel';

export type Spooled = {
  readonly read: () => AsyncIterable<Buffer>;
  /** SHA-256 of the bytes, hex. */
  readonly hash: string;
  readonly remove: () => Promise<void>;
};

/** Enough for the first line of any sane file. */
const HEAD_BYTES_MAX = 65_536;
const READ_BYTES = 65_536;

/** `checkHead` sees the first line as soon as it has come and may throw: then nobody has to send the rest. */
export async function spool(file: Readable, checkHead: (head: Buffer) => void): Promise<Spooled> {
  const kept = await openNameless();
  const digest = createHash('sha256');
  let head: Buffer | null = Buffer.alloc(0);
  try {
    await pipeline(
      file,
      new Transform({
        transform: (chunk: Buffer, _encoding, done) => {
          digest.update(chunk);
          if (head !== null) {
            head = Buffer.concat([head, chunk]);
            if (head.length >= HEAD_BYTES_MAX || chunk.includes('\n')) {
              try {
                checkHead(head);
              } catch (error) {
                done(toError(error));
                return;
              }
              head = null;
            }
          }
          done(null, chunk);
        },
      }),
      async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) await kept.writeFile(chunk);
      },
    );
  } catch (error) {
    await kept.close();
    throw error;
  }
  return { read: () => chunksOf(kept), hash: digest.digest('hex'), remove: () => kept.close() };
}

/** A file without a name: the system frees it with its handle, however the process ends. */
async function openNameless(): Promise<FileHandle> {
  const directory = await mkdtemp(join(tmpdir(), 'lead-flood-upload-'));
  try {
    // Nobody else on the machine may read what customers send.
    return await open(join(directory, 'file'), 'wx+', 0o600);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** By positions of its own, so that it may be read again and again. */
async function* chunksOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
