/**
 * A Redis client that can be away: every command ends, with an answer or an error, within half a second. Whoever uses
 * it must have an answer of its own for the time without.
 */
import { Redis } from 'ioredis';
export type { Redis } from 'ioredis';

export type RedisLog = { readonly level: 'info' | 'warn'; readonly message: string };

/** Starts to connect at once and keeps trying; never throws and never emits an unhandled `error`. End with `disconnect()`. */
export function createRedis(url: string, onLog: (entry: RedisLog) => void = () => {}): Redis {
  const redis = new Redis(url, {
    // ioredis's own defaults (20 tries, a queue without bound, no time limit) let a command hang for as long as Redis is gone
    maxRetriesPerRequest: 1,
    enableOfflineQueue: false,
    commandTimeout: 500,
    connectTimeout: 1_000,
    // Nobody waits for it: seldom enough for a server that is starting, and its return is noticed within five seconds.
    retryStrategy: (times) => Math.min(5_000, 100 * 2 ** Math.min(times, 6)),
  });
  let away = false;
  // one line per outage, not one per attempt to reconnect
  redis.on('error', (error: Error) => {
    if (!away) onLog({ level: 'warn', message: `Redis is away: ${error.message || error.name}` });
    away = true;
  });
  redis.on('ready', () => {
    if (away) onLog({ level: 'info', message: 'Redis is back' });
    away = false;
  });
  return redis;
}

const FIRST_CONNECTION_MS_MAX = 1_000;

/** Resolves once the first connection stands or has failed, at the latest after a second; at once later on. */
export async function settled(redis: Redis): Promise<void> {
  if (!/^(wait|connecting|connect)$/.test(redis.status)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      for (const event of ['ready', 'error', 'close', 'end']) redis.off(event, done);
      resolve();
    };
    const timer = setTimeout(done, FIRST_CONNECTION_MS_MAX);
    for (const event of ['ready', 'error', 'close', 'end']) redis.once(event, done);
  });
}
