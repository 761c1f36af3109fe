/** Where a stack comes from: which answer is chosen, what the containers would be started from, and who says so where none can be. */
import './fixtures/own-servers.ts';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { environmentNames, serverNames } from '../src/addresses.ts';
import { readComposeServer } from '../src/containers/compose-server.ts';
import { repositoryRoot, startStack } from '../src/stack.ts';
import { stackSource } from '../src/stack-source.ts';

describe('the source of a stack', () => {
  const addresses = { kafka: 'k:1', registry: 'http://r:2', postgres: 'postgres://p:3/d', redis: 'redis://r:4' };
  const given = Object.fromEntries(serverNames.map((name) => [environmentNames[name], addresses[name]]));

  it('is this machine’s processes unless somebody asks for another', () => {
    expect(stackSource({})).toEqual({ kind: 'processes' });
    expect(stackSource({ STACK: '' })).toEqual({ kind: 'processes' });
    expect(stackSource({ STACK: 'processes' })).toEqual({ kind: 'processes' });
    expect(stackSource({ STACK: 'containers' })).toEqual({ kind: 'containers' });
  });

  it('is the servers whose addresses are given, whatever else is asked for', () => {
    expect(stackSource(given)).toEqual({ kind: 'given', addresses });
    expect(stackSource({ ...given, STACK: 'containers' })).toEqual({ kind: 'given', addresses });
    expect(() => stackSource({ ...given, REDIS_URL: '', STACK: 'containers' })).toThrow('missing: REDIS_URL');
  });

  it('is none by a name that nobody knows', () => {
    expect(() => stackSource({ STACK: 'docker' })).toThrow('LOCAL_ERR_UNKNOWN_STACK: STACK=docker');
  });
});

it.each(['deploy/local/src/cli.ts', 'test/planted-bugs/main.ts', 'test/faults/main.ts'])(
  'costs a program nothing that does not ask for it: %s loads',
  (program) => {
    const options = program.includes('cli') ? ['--help'] : ['--only', 'none-of-this-name'];
    const { status, stderr } = spawnSync('node', [join(repositoryRoot, program), ...options], { encoding: 'utf8' });
    expect([status, stderr.includes('Error')]).toEqual([program.includes('cli') ? 0 : 2, false]);
  },
);

describe('a stack of containers', () => {
  it('is made from the images and settings of docker-compose.yml', () => {
    const text = readFileSync(join(repositoryRoot, 'docker-compose.yml'), 'utf8');
    for (const name of serverNames) {
      const { image } = readComposeServer(name, 1);
      expect(text).toContain(`  ${name}:\n    image: ${image}\n`);
    }
    const servers = Object.fromEntries(serverNames.map((name) => [name, readComposeServer(name, 40_001)]));
    expect(Object.entries(servers).map(([name, { port }]) => [name, port])).toEqual([
      ['kafka', 29_092],
      ['registry', 8080],
      ['postgres', 5432],
      ['redis', 6379],
    ]);
    // The broker tells its clients where it is: on the port that was chosen for this stack, not on the compose file's.
    expect(servers['kafka']?.environment['KAFKA_ADVERTISED_LISTENERS']).toContain('OUTSIDE://127.0.0.1:40001');
    expect(servers['postgres']?.environment).toMatchObject({ POSTGRES_USER: 'lead_flood', POSTGRES_DB: 'lead_flood' });
    expect(servers['redis']?.command[0]).toBe('redis-server');
  });

  it('says what is missing where no container engine answers, and leaves nothing behind', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'lead-flood-test-'));
    const before = { ...process.env };
    Object.assign(process.env, { STACK: 'containers', DOCKER_HOST: 'tcp://127.0.0.1:9' });
    try {
      await expect(startStack({ directory })).rejects.toMatchObject({
        code: 'LOCAL_ERR_NO_CONTAINERS',
        message: expect.stringContaining('start one, or leave STACK away') as string,
      });
      expect(existsSync(join(directory, 'owner.json'))).toBe(false);
    } finally {
      process.env = before;
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
