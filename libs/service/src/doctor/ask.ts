/** The doctor's questions over the wire: short, without retries, since no answer is an answer. */
import { request } from 'node:http';
import { connect } from 'node:net';

export const ASK_MS = 2_000;

/** The body of a 200, or throws what went wrong. */
export function askJson(url: string, timeoutMs = ASK_MS): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { signal: AbortSignal.timeout(timeoutMs) }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode !== 200) reject(new Error(`status ${answer.statusCode}`));
        else
          try {
            resolve(JSON.parse(Buffer.concat(parts).toString('utf8')));
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
      });
    });
    asking.on('error', reject);
    asking.end();
  });
}

/** Resolves when a Redis says anything at all to PING: a refusal for want of a password is a sign of life too. */
export function askRedis(url: string, timeoutMs = ASK_MS): Promise<void> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port === '' ? 6_379 : port), timeout: timeoutMs });
    socket.once('connect', () => void socket.write('PING\r\n'));
    socket.once('data', () => {
      socket.destroy();
      resolve();
    });
    socket.once('timeout', () => socket.destroy(new Error('no answer')));
    socket.once('error', reject);
  });
}

/** Rejects with `no answer` when the work takes longer; the work itself goes on. */
export async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new Error('no answer'));
  }, timeoutMs);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** What went wrong in a few words: a code where there is one, never a text that may quote an address with its password. */
export function reasonOf(error: unknown): string {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name === 'TimeoutError' || cause.name === 'AbortError') return 'no answer';
    if ('code' in cause && typeof cause.code === 'string' && /^E[A-Z]+$/.test(cause.code)) return cause.code;
  }
  if (!(error instanceof Error)) return 'no answer';
  return 'code' in error && typeof error.code === 'string' ? error.code : (error.message.split('\n')[0] ?? error.name);
}
