/**
 * Calls to our own services inside the cluster, over undici's Pool: kept connections, and one time limit over the wait for a
 * connection, the head and the whole body. No address guard, quota or breaker, which are for the world outside (egress.ts), and
 * no retry: whoever asks knows whether a write may be sent again.
 */
import { Pool } from 'undici';

export type NeighbourRequest = {
  readonly method: string;
  /** With its query, as it goes out: nothing of it is decoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
};

export type NeighbourAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
};

export type Neighbour = {
  /** Any complete answer, whatever its status; rejects with undici's error otherwise. */
  readonly call: (request: NeighbourRequest) => Promise<NeighbourAnswer>;
  /** Ends calls under way, too. */
  readonly close: () => Promise<void>;
};

export function createNeighbour(
  url: string,
  { connectionsMax, timeoutMs }: { readonly connectionsMax: number; readonly timeoutMs: number },
): Neighbour {
  const { origin, pathname } = new URL(url);
  const base = pathname.replace(/\/$/, '');
  const pool = new Pool(origin, {
    connections: connectionsMax,
    // Whoever stands second on a connection waits for a slow first one.
    pipelining: 1,
    // Behind the signal, which also counts the wait for a connection.
    headersTimeout: timeoutMs + 1_000,
    bodyTimeout: timeoutMs + 1_000,
  });
  return {
    call: async ({ method, path, headers, body }) => {
      const signal = AbortSignal.timeout(timeoutMs);
      const answer = await pool.request({ method, path: base + path, headers, body, signal });
      return { status: answer.statusCode, headers: answer.headers, body: Buffer.from(await answer.body.bytes()) };
    },
    close: () => pool.destroy(),
  };
}
