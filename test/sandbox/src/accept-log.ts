// The book of the sandbox: every call that a provider accepted (and would have billed or sent), as NDJSON in memory
// and in a file, with counts beside it. A checker reads it to prove that nothing was done twice.
import { createWriteStream } from 'node:fs';
import type { WriteStream } from 'node:fs';

export interface Accepted {
  readonly provider: string;
  readonly operation: string;
  /** the address, number or person that the call is about */
  readonly subject: string;
  readonly idempotencyKey?: string | undefined;
  /** hit, miss, sent, answered ...; reset, garbage and lost were accepted although the caller could not know */
  readonly outcome: string;
  /** micro US dollars */
  readonly price: number;
}

interface Counts {
  accepted: number;
  refused: number;
  repeats: number;
  costMicroUsd: number;
  operations: Record<string, number>;
  outcomes: Record<string, number>;
}

interface Contact {
  readonly provider: string;
  readonly operation: string;
  readonly subject: string;
  count: number;
  /** idempotency keys or message ids seen: count > keys means that one message came twice */
  readonly keys: Set<string>;
}

/** Lines kept for GET /_control/log; older ones are in the file only. */
const linesMax = 200_000;
const flushMs = 50;
const contactProviders = new Set(['mail', 'trengo']);

export class AcceptLog {
  #lines: string[] = [];
  #sequence = 0;
  /** the last entry before the last reset */
  #forgotten = 0;
  #counts = new Map<string, Counts>();
  #contacts = new Map<string, Contact>();
  #unwritten: string[] = [];
  readonly #file: WriteStream | undefined;
  readonly #timer: NodeJS.Timeout | undefined;

  /** An unwritable file ends the process: with holes in the log every later count would be a lie. */
  constructor(path: string | undefined) {
    if (path === undefined) return;
    this.#file = createWriteStream(path, { flags: 'a' });
    this.#file.on('error', (cause) => {
      throw new Error(`the accept log ${path} cannot be written`, { cause });
    });
    this.#timer = setInterval(() => this.#flush(), flushMs);
    this.#timer.unref();
  }

  accept(entry: Accepted): void {
    this.#sequence += 1;
    const line = `${JSON.stringify({ seq: this.#sequence, at: new Date().toISOString(), ...entry })}\n`;
    this.#lines[this.#sequence % linesMax] = line;
    if (this.#file !== undefined) this.#unwritten.push(line);
    const counts = this.#countsOf(entry.provider);
    counts.accepted += 1;
    counts.costMicroUsd += entry.price;
    add(counts.operations, entry.operation);
    add(counts.outcomes, entry.outcome);
    if (contactProviders.has(entry.provider)) this.#contact(entry);
  }

  /** A request that the provider turned away: counted, not logged, not billed. */
  refuse(provider: string, outcome: string): void {
    const counts = this.#countsOf(provider);
    counts.refused += 1;
    add(counts.outcomes, outcome);
  }

  /** A repeated idempotency key that was answered from memory. */
  repeat(provider: string): void {
    this.#countsOf(provider).repeats += 1;
  }

  /** NDJSON of entries with seq > after, oldest first. */
  lines(after: number, limit: number): string {
    const from = Math.max(after, this.#forgotten, this.#sequence - linesMax) + 1;
    const found: string[] = [];
    for (let seq = from; seq <= this.#sequence && found.length < limit; seq += 1) {
      found.push(this.#lines[seq % linesMax] ?? '');
    }
    return found.join('');
  }

  summary(): {
    lastSeq: number;
    forgottenSeq: number;
    accepted: number;
    costMicroUsd: number;
    providers: Record<string, Counts>;
  } {
    const all = [...this.#counts.values()];
    return {
      lastSeq: this.#sequence,
      forgottenSeq: this.#forgotten,
      accepted: all.reduce((sum, counts) => sum + counts.accepted, 0),
      costMicroUsd: all.reduce((sum, counts) => sum + counts.costMicroUsd, 0),
      providers: Object.fromEntries(this.#counts),
    };
  }

  /** Who was contacted more than once through mail or WhatsApp, most often first. */
  doubles(): { provider: string; operation: string; subject: string; count: number; keys: number }[] {
    return [...this.#contacts.values()]
      .filter(({ count }) => count > 1)
      .sort((a, b) => b.count - a.count)
      .map(({ keys, ...contact }) => ({ ...contact, keys: keys.size }));
  }

  /** Forgets counts and lines; the file and the numbering go on, so that `seq` stays unique in the file. */
  reset(): void {
    this.#forgotten = this.#sequence;
    this.#lines = [];
    this.#counts.clear();
    this.#contacts.clear();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#flush();
    const file = this.#file;
    if (file !== undefined) await new Promise<void>((resolve) => file.end(() => resolve()));
  }

  #flush(): void {
    if (this.#unwritten.length === 0) return;
    this.#file?.write(this.#unwritten.join(''));
    this.#unwritten = [];
  }

  #countsOf(provider: string): Counts {
    let counts = this.#counts.get(provider);
    if (counts === undefined) {
      counts = { accepted: 0, refused: 0, repeats: 0, costMicroUsd: 0, operations: {}, outcomes: {} };
      this.#counts.set(provider, counts);
    }
    return counts;
  }

  #contact({ provider, operation, subject, idempotencyKey }: Accepted): void {
    const id = `${provider} ${operation} ${subject}`;
    let contact = this.#contacts.get(id);
    if (contact === undefined) {
      contact = { provider, operation, subject, count: 0, keys: new Set() };
      this.#contacts.set(id, contact);
    }
    contact.count += 1;
    if (idempotencyKey !== undefined) contact.keys.add(idempotencyKey);
  }
}

function add(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
