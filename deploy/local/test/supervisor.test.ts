// A supervised process: ready by its URL, restarted, killed, and reported with its own last words when it fails.
import './fixtures/own-servers.ts';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { freePort } from '../src/ports.ts';
import { startedAtTicks } from '../src/process-identity.ts';
import { startProcess } from '../src/supervisor.ts';
import type { ProcessOptions } from '../src/supervisor.ts';

const service = fileURLToPath(new URL('./fixtures/service.ts', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'lead-flood-test-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function options(env: NodeJS.ProcessEnv = {}): Promise<ProcessOptions> {
  const port = await freePort();
  return {
    name: 'scoring',
    command: [process.execPath, service],
    env: { ...process.env, PORT: String(port), ...env },
    logFile: join(directory, 'scoring.log'),
    readyUrl: `http://127.0.0.1:${port}/ready`,
    readyTimeoutMs: 15_000,
  };
}

describe('a supervised process', () => {
  it('is ready when started, comes back on restart, and is gone when stopped', async () => {
    const started = await options();
    const scoring = await startProcess(started);
    const first = scoring.pid;
    expect((await fetch(started.readyUrl)).status).toBe(200);
    scoring.kill('SIGKILL');
    expect(await scoring.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await scoring.restart();
    expect(scoring.pid).not.toBe(first);
    expect((await fetch(started.readyUrl)).status).toBe(200);
    expect(await scoring.stop(5000)).toEqual({ code: 0, signal: null });
    expect(startedAtTicks(scoring.pid)).toBeUndefined();
    expect(readdirSync(directory)).toEqual(['scoring.log']);
  });

  it('rejects with the last lines of its log when it ends early', async () => {
    const failing = startProcess(await options({ FAIL: 'SCR_ERR_UNKNOWN_RULE: no rule 7' }));
    await expect(failing).rejects.toMatchObject({ code: 'LOCAL_ERR_EXITED_EARLY' });
    await expect(failing).rejects.toThrow('SCR_ERR_UNKNOWN_RULE: no rule 7');
  });

  it('rejects and leaves no process when it does not become ready', async () => {
    const never = await options();
    const silent = startProcess({ ...never, readyUrl: 'http://127.0.0.1:1/ready', readyTimeoutMs: 500 });
    await expect(silent).rejects.toMatchObject({ code: 'LOCAL_ERR_NOT_READY' });
    await expect(fetch(never.readyUrl)).rejects.toThrow();
  });
});
