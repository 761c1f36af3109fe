/** Liveness and readiness: alive = the event loop turns and no consumer stands still; ready = what it needs answers. */
import type { HttpServer } from './http.ts';

export type Check = {
  readonly name: string;
  readonly run: () => Promise<void> | void;
  /** Told only: the doors answer without it, so nobody should be kept from them. */
  readonly advisory?: boolean;
};

const TIMEOUT_MS = 1_000;

export type Readiness = {
  readonly ready: boolean;
  readonly db: 'ok' | 'fail';
  readonly checks: Readonly<Record<string, string>>;
};

export async function readiness(checks: readonly Check[]): Promise<Readiness> {
  const results = await Promise.all(
    checks.map(async ({ name, run }) => {
      try {
        await Promise.race([
          run(),
          new Promise((_, reject) => {
            setTimeout(() => {
              reject(new Error('no answer'));
            }, TIMEOUT_MS).unref();
          }),
        ]);
        return [name, 'ok'] as const;
      } catch (error) {
        return [name, error instanceof Error && 'code' in error ? String(error.code) : 'fail'] as const;
      }
    }),
  );
  const map = Object.fromEntries(results);
  return {
    ready: results.every(([, state], i) => state === 'ok' || checks[i]?.advisory === true),
    db: map['db'] === undefined || map['db'] === 'ok' ? 'ok' : 'fail',
    checks: map,
  };
}

/** `/health` and `/ready`; not ready is 503 (decision C-13). */
export function addHealth(server: HttpServer, checks: readonly Check[]): void {
  server.get('/health', () => ({ status: 'ok' }));
  // Whoever asks while others wait gets their answer: probes have no limit, and each run asks the database.
  let running: Promise<Readiness> | null = null;
  server.get('/ready', async (_request, reply) => {
    running ??= readiness(checks).finally(() => {
      running = null;
    });
    const result = await running;
    return reply.status(result.ready ? 200 : 503).send(readinessBody(result));
  });
}

export const readinessBody = ({ ready, db, checks }: Readiness): object => ({
  status: ready ? 'ready' : 'not_ready',
  db,
  checks,
});
