/** A file on its way through: whole, twice, and gone when the process is, however it ends. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { spool } from '../src/uploads/spool.ts';

const usual = process.env['TMPDIR'];
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spool-test-'));
  process.env['TMPDIR'] = directory;
});
afterAll(async () => {
  if (usual === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = usual;
  await rm(directory, { recursive: true, force: true });
});

const files = () => readdir(directory, { recursive: true });

it('has no name on the disk while it comes, nor while it is read: a process that is killed leaves nothing', async () => {
  const file = new PassThrough();
  const begun = Promise.withResolvers<undefined>();
  const spooled = spool(file, () => {
    begun.resolve(undefined);
  });
  file.write('email\n');
  await begun.promise;
  expect(await files()).toEqual([]);
  file.end('ann@a.example\n');
  const { read, remove } = await spooled;
  for await (const _chunk of read()) expect(await files()).toEqual([]);
  await remove();
});

it('is read as often as wanted, from its beginning, also by somebody who stopped half-way before', async () => {
  const bytes = Buffer.alloc(300_000, 'email,name\n');
  const { read, hash, remove } = await spool(Readable.from([bytes, bytes], { objectMode: false }), () => undefined);
  try {
    for await (const chunk of read()) {
      expect(chunk.length).toBeLessThan(bytes.length);
      break;
    }
    for (let times = 0; times < 2; times += 1) expect(await buffer(read())).toEqual(Buffer.concat([bytes, bytes]));
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
  } finally {
    await remove();
  }
});

it('leaves nothing either where its first line is refused', async () => {
  const refused = spool(Readable.from([Buffer.from('no header\n')]), () => {
    throw new Error('refused');
  });
  await expect(refused).rejects.toThrow('refused');
  expect(await files()).toEqual([]);
});
