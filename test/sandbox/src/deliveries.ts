// Posts signed webhooks until the other side takes them: bounded tries, growing pauses, a bound on parallel posts.
// Knows nothing of mail or calls; those say what goes out and in which headers.
import { createHmac } from 'node:crypto';
import type { DeliverTo } from './settings.ts';

export interface Letter {
  readonly deliverTo: DeliverTo;
  /** header names without the common prefix: `x-mail` or `x-yay` */
  readonly prefix: string;
  readonly eventId: string;
  readonly body: unknown;
}

export interface DeliveryCounts {
  /** waiting for their time or being tried */
  pending: number;
  delivered: number;
  /** given up after `triesMax` */
  abandoned: number;
  tries: number;
}

const parallelMax = 32;
const triesMax = 10;
const firstPauseMs = 50;
const pauseMsMax = 5_000;
const answerMsMax = 10_000;

export class Deliveries {
  #counts: DeliveryCounts = { pending: 0, delivered: 0, abandoned: 0, tries: 0 };
  #stop = new AbortController();
  #running = 0;
  #waiting: (() => void)[] = [];

  counts(): DeliveryCounts {
    return { ...this.#counts };
  }

  /** Sends the letters one after the other, each only after the one before was taken; gives up at the first refused. */
  async send(delayMs: number, letters: readonly Letter[]): Promise<void> {
    const { signal } = this.#stop;
    const counts = this.#counts;
    counts.pending += letters.length;
    let left = letters.length;
    await pause(delayMs, signal);
    for (const letter of letters) {
      if (signal.aborted || !(await this.#sendOne(letter, signal))) break;
      counts.delivered += 1;
      counts.pending -= 1;
      left -= 1;
    }
    counts.pending -= left;
    counts.abandoned += left;
  }

  /** Drops everything under way and forgets the counts. */
  reset(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#counts = { pending: 0, delivered: 0, abandoned: 0, tries: 0 };
  }

  async #sendOne(letter: Letter, signal: AbortSignal): Promise<boolean> {
    if (this.#running >= parallelMax) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running += 1;
    const counts = this.#counts;
    try {
      for (let attempt = 0; attempt < triesMax && !signal.aborted; attempt += 1) {
        counts.tries += 1;
        if (await post(letter, signal)) return true;
        await pause(Math.min(pauseMsMax, firstPauseMs * 2 ** attempt), signal);
      }
      return false;
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }
}

/** True when the other side answered 2xx. The signature covers the very bytes of the body. */
async function post({ deliverTo, prefix, eventId, body }: Letter, signal: AbortSignal): Promise<boolean> {
  const bytes = Buffer.from(JSON.stringify(body));
  const headers = {
    'content-type': 'application/json',
    [`${prefix}-event-id`]: eventId,
    [`${prefix}-timestamp`]: String(Math.floor(Date.now() / 1000)),
    [`${prefix}-signature`]: createHmac('sha256', deliverTo.secret).update(bytes).digest('hex'),
  };
  try {
    const within = AbortSignal.any([signal, AbortSignal.timeout(answerMsMax)]);
    const answer = await fetch(deliverTo.url, { method: 'POST', headers, body: bytes, signal: within });
    await answer.arrayBuffer();
    return answer.ok;
  } catch (error) {
    // a refused connection or a timeout is what the next try is for; anything else is a fault of ours
    if (error instanceof TypeError || error instanceof DOMException) return false;
    throw error;
  }
}

/** Ends early, without an error, when the signal says so. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms === 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
