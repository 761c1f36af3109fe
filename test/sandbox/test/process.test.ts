// The sandbox as a process: says where it listens, writes every accepted call to the file, ends within a second.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { person, startSandbox } from '../src/index.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s: the log file is complete and the process gone within a second',
  async (signal) => {
    const folder = await mkdtemp(join(tmpdir(), 'sandbox-'));
    const logFile = join(folder, 'accepted.ndjson');
    const child = spawn(process.execPath, [main, '--log-file', logFile], {
      env: { ...process.env, SANDBOX_SEED: '7' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      const { http, smtp } = JSON.parse(line.toString()) as { http: string; smtp: string };
      expect(smtp).toMatch(/^smtp:\/\/127\.0\.0\.1:\d+$/);
      const headers = { 'x-api-key': 'k', 'content-type': 'application/json' };
      // one answer is still being waited for when the signal comes
      await fetch(`${http}/_control/providers/pdl`, { method: 'PUT', headers, body: '{"mode":"slow"}' });
      const slow = fetch(`${http}/pdl/v5/person/enrich?email=${person(0).email}`, { headers }).catch(
        (error: unknown) => error,
      );
      for (let seed = 0; seed < 200; seed += 1) {
        const body = JSON.stringify({ email: person(seed).email });
        await (await fetch(`${http}/apollo/api/v1/people/match`, { method: 'POST', headers, body })).arrayBuffer();
      }
      const startedAt = performance.now();
      child.kill(signal);
      const [code] = (await once(child, 'exit')) as [number | null];
      expect(code).toBe(0);
      expect(performance.now() - startedAt).toBeLessThan(1_000);
      expect(await slow).toBeInstanceOf(Error);
      const lines = (await readFile(logFile, 'utf8'))
        .trimEnd()
        .split('\n')
        .map((text) => JSON.parse(text) as { seq: number });
      expect(lines.map(({ seq }) => seq)).toEqual(Array.from({ length: 201 }, (_, i) => i + 1));
    } finally {
      child.kill('SIGKILL');
      await rm(folder, { recursive: true });
    }
  },
);

test('a taken port is an error, and nothing stays open', async () => {
  const first = await startSandbox();
  const port = (url: string): number => Number(new URL(url).port);
  await expect(startSandbox({ httpPort: port(first.httpUrl) })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await expect(startSandbox({ smtpPort: port(first.smtpUrl) })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await first.stop();
});
