// Redis, as a cache that forgets everything: no snapshots, no append-only file.
import { createConnection } from 'node:net';
import { redisServer } from '../artifacts.ts';
import { spawnServer } from '../server.ts';
import type { Server, ServerOptions } from '../server.ts';

const timeoutMs = 2000;

export async function startRedis(options: ServerOptions): Promise<Server> {
  const binary = await redisServer(options.log);
  return spawnServer({
    ...options,
    name: 'redis',
    address: `redis://127.0.0.1:${options.port}`,
    startedAt: performance.now(),
    command: [
      binary,
      '--bind',
      '127.0.0.1',
      '--port',
      String(options.port),
      '--protected-mode',
      'yes',
      '--save',
      '',
      '--appendonly',
      'no',
      '--maxmemory',
      '256mb',
      '--maxmemory-policy',
      'allkeys-lru',
      '--dir',
      options.directory,
      '--daemonize',
      'no',
    ],
    probe: () => pingRedis(options.port),
  });
}

/** Rejects unless the server answers PONG, also while it is still loading. */
export function pingRedis(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: '127.0.0.1' });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer to PING within ${timeoutMs} ms`)));
    socket.once('error', reject);
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data) => {
      socket.destroy();
      const answer = data.toString('utf8').trim();
      if (answer === '+PONG') resolve();
      else reject(new Error(`PING answers ${answer}`));
    });
  });
}
