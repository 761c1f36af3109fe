/** The sandbox's book is read whole or called unreadable: a part of it would pass over what was done twice before it begins. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AcceptLog } from '../sandbox/src/accept-log.ts';
import { readBook } from './book.ts';

const KEPT = 200_000;

let folder: string;
let log: AcceptLog;
let server: Server;
let sandbox: string;
let written: string[];

/** The sandbox's real log, behind the two paths by which it is read. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lead-flood-book-'));
  log = new AcceptLog(undefined);
  written = [];
  server = createServer(({ url = '' }, response) => {
    response.end(url.startsWith('/_control/summary') ? JSON.stringify(log.summary()) : log.lines(0, KEPT));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  sandbox = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

function accept(count: number): void {
  for (let i = 0; i < count; i += 1) {
    const entry = { provider: 'mail', operation: 'send', subject: `m${i}`, outcome: 'sent', price: 0 };
    log.accept(entry);
    written.push(JSON.stringify({ seq: log.summary().lastSeq, ...entry }));
  }
}

it('is read to its end, and what it was told to forget is no gap', async () => {
  accept(3);
  expect(await readBook(sandbox, undefined)).toHaveLength(3);
  log.reset();
  accept(2);
  expect((await readBook(sandbox, undefined)).map(({ seq }) => seq)).toEqual([4, 5]);
});

it('of which the sandbox keeps a part only cannot be judged without its file', async () => {
  accept(KEPT + 2);
  await expect(readBook(sandbox, undefined)).rejects.toThrow('of which 2 could not be read');
  const file = join(folder, 'accepted.ndjson');
  writeFileSync(file, `${written.join('\n')}\n`);
  expect(await readBook(sandbox, file)).toHaveLength(KEPT + 2);
});

it('is waited for while the file is being written, and a line that never comes is missed', async () => {
  accept(3);
  const file = join(folder, 'accepted.ndjson');
  writeFileSync(file, `${written[0]}\n${written[1]?.slice(0, 9)}`);
  const reading = readBook(sandbox, file);
  appendFileSync(file, `${written[1]?.slice(9)}\n${written[2]}\n`);
  expect(await reading).toHaveLength(3);
  writeFileSync(file, `${written[0]}\n${written[2]}\n`);
  await expect(readBook(sandbox, file, 0)).rejects.toThrow('of which 1 could not be read');
});
