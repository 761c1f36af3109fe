/**
 * A file on its way through: received whole before anything of it is kept, without ever being in memory. It is read twice
 * afterwards (is it sound? then its rows), which a stream from the network cannot be.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { toError } from '@lead-flood/kernel';

export type Spooled = {
  readonly read: () => Readable;
  /** SHA-256 of the bytes, hex. */
  readonly hash: string;
  readonly remove: () => Promise<void>;
};

/** Enough for the first line of any sane file. */
const HEAD_BYTES_MAX = 65_536;

/** `checkHead` sees the first line as soon as it has come and may throw: then nobody has to send the rest. */
export async function spool(file: Readable, checkHead: (head: Buffer) => void): Promise<Spooled> {
  const directory = await mkdtemp(join(tmpdir(), 'lead-flood-upload-'));
  const remove = (): Promise<void> => rm(directory, { recursive: true, force: true });
  const path = join(directory, 'file');
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
      // Nobody else on the machine may read what customers send.
      createWriteStream(path, { mode: 0o600 }),
    );
  } catch (error) {
    await remove();
    throw error;
  }
  return { read: () => createReadStream(path), hash: digest.digest('hex'), remove };
}
