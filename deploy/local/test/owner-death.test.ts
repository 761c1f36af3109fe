// What becomes of a stack whose owner is killed with -9, and of the folder it leaves behind.
import './fixtures/own-servers.ts';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { hasDeathSignal } from '../src/death-signal.ts';
import { claimFolder, releaseFolder } from '../src/leftovers.ts';
import { pollUntil } from '../src/polling.ts';
import { identify, startedAtTicks } from '../src/process-identity.ts';
import { startStack } from '../src/stack.ts';

const timeoutMs = 120_000;
const owner = fileURLToPath(new URL('./fixtures/stack-owner.ts', import.meta.url));
const folders: string[] = [];

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lead-flood-test-'));
  folders.push(folder);
  return folder;
}

afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** A process that outlives everything unless killed, as a server without a death signal would. */
function startOrphan(): number {
  const orphan = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  orphan.unref();
  return orphan.pid ?? 0;
}

function gone(pids: readonly number[]): Promise<void> {
  const what = `the end of ${pids.join(', ')}`;
  return pollUntil(() => pids.every((pid) => startedAtTicks(pid) === undefined), { what, timeoutMs: 5000 });
}

describe('an owner killed with -9', () => {
  it('takes its servers along, and the next start in the folder works', { timeout: timeoutMs }, async () => {
    const directory = newFolder();
    const process_ = spawn(process.execPath, [owner, directory], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await new Promise<[string]>((resolve) => {
      createInterface({ input: process_.stdout }).once('line', (text) => resolve([text]));
    });
    const started: unknown = JSON.parse(line);
    expect(started).toMatchObject({ pids: Array.from({ length: 4 }, () => expect.any(Number)) });
    const files = readdirSync(directory).filter((name) => name.endsWith('.pid.json'));
    const pids = files.map((name) => Number(/"pid": (\d+)/.exec(readFileSync(join(directory, name), 'utf8'))?.[1]));
    expect(pids).toHaveLength(4);
    process_.kill('SIGKILL');
    if (hasDeathSignal()) await gone(pids);

    const next = await startStack({ directory });
    try {
      await gone(pids);
      expect(await Promise.all([...next.servers.values()].map((server) => server.ready()))).not.toContain(false);
    } finally {
      await next.stop();
    }
  });

  it('leaves a process that its pid file still names: it is killed and the data are removed', async () => {
    const directory = newFolder();
    const deadOwner = startOrphan();
    writeFileSync(join(directory, 'owner.json'), JSON.stringify(identify(deadOwner)));
    process.kill(deadOwner, 'SIGKILL');
    await gone([deadOwner]);
    const [named, reused] = [startOrphan(), startOrphan()];
    writeFileSync(join(directory, 'kafka.pid.json'), JSON.stringify(identify(named)));
    // The pid of a server that is gone, given by the system to somebody else since.
    writeFileSync(join(directory, 'redis.pid.json'), JSON.stringify({ pid: reused, startedAtTicks: 1 }));
    mkdirSync(join(directory, 'kafka', 'data'), { recursive: true });
    try {
      await claimFolder(directory);
      await gone([named]);
      expect(startedAtTicks(reused)).toBeDefined();
      expect(readdirSync(directory)).toEqual(['owner.json']);
      await expect(claimFolder(directory)).rejects.toMatchObject({ code: 'LOCAL_ERR_ALREADY_RUNNING' });
      await releaseFolder(directory);
      expect(readdirSync(directory)).toEqual([]);
    } finally {
      process.kill(reused, 'SIGKILL');
    }
  });
});
