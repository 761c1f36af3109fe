/** What faults act on: the stack's servers, the product's processes, the sandbox, and a seed that decides everything left open. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Codec, KafkaClient } from '@lead-flood/kafka';
import type { ManagedProcess, Product, ServerName, ServiceName, Stack } from '@lead-flood/local';
import { serviceNames } from '@lead-flood/local';
import type { Signs } from './signs.ts';
import { askMetrics, counting } from './signs.ts';

export type Random = { readonly upTo: (n: number) => number; readonly oneOf: <T>(items: readonly T[]) => T };

export type Stage = {
  readonly stack: Stack;
  readonly product: Product;
  readonly client: KafkaClient;
  readonly codec: Codec;
  readonly random: Random;
  /** Everything that must be done before the line can come to rest; done in turn by the fault's `heal`. */
  readonly remedies: (() => Promise<void>)[];
  /** Which of its variants a trial plays, for the output. */
  readonly say: (what: string) => void;
  /** What this trial found by itself, beside the invariants. */
  readonly complain: (what: string) => void;
  /** Services whose work this trial cuts off: what may be in doubt or paid twice afterwards follows from it. */
  readonly hit: Set<ServiceName>;
  readonly signs: Signs;
};

export type Fault = {
  readonly name: string;
  readonly sentence: string;
  /** Breaks something while a wave is under way. */
  readonly inject: (stage: Stage) => Promise<void>;
  readonly heal: (stage: Stage) => Promise<void>;
  /**
   * Most messages that it may leave in doubt where it hits outreach, beside those that the sandbox itself refused or left
   * unanswered, and most lookups that may be paid twice where it hits enrichment and the provider knows no keys.
   */
  readonly doubtsMax: number;
  readonly paidTwiceMax: number;
};

/** Enrichment's and the sender's defaults: what one kill can have under way. */
export const lookupsUnderWay = 128;
export const messagesUnderWay = 64;

/** mulberry32: small, and the same everywhere. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const upTo = (n: number): number => Math.floor(next() * n);
  return {
    upTo,
    oneOf: (items) => {
      const item = items[upTo(items.length)];
      if (item === undefined) throw new Error('nothing to choose from');
      return item;
    },
  };
}

export const services = serviceNames;
/** Those that read topics; the gateway only writes. */
export const readers = serviceNames.filter((name) => name !== 'ingest-gateway');

export function processOf({ product }: Stage, name: ServiceName): ManagedProcess {
  const found = product.processes.get(name);
  if (found === undefined) throw new Error(`${name} does not run`);
  return found;
}

export function pidOf({ stack }: Stage, name: ServerName): number {
  const server = stack.servers.get(name);
  if (server === undefined) throw new Error(`${name} is not ours`);
  return server.pid;
}

export async function killAndRestart(stage: Stage, name: ServiceName): Promise<void> {
  const process = processOf(stage, name);
  process.kill('SIGKILL');
  await process.exited;
  await process.restart();
}

/** Stops a process as a pause would; the fault's heal lets it go on. */
export function freeze(stage: Stage, pid: number): void {
  process.kill(pid, 'SIGSTOP');
  stage.remedies.push(() => {
    process.kill(pid, 'SIGCONT');
    return Promise.resolve();
  });
}

/** The latest first, like everything that is taken back. */
export async function remedy(stage: Stage): Promise<void> {
  for (let next = stage.remedies.pop(); next !== undefined; next = stage.remedies.pop()) await next();
}

export async function setProviders({ product }: Stage, names: readonly string[], settings: object): Promise<void> {
  for (const name of names) {
    const path = name === 'mail' ? '/_control/mail' : `/_control/providers/${name}`;
    const answer = await fetch(`${product.sandbox}${path}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(settings),
    });
    if (!answer.ok) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
  }
}

export const lookups = ['apollo', 'hunter', 'pdl'] as const;

/** These lose what they have under way. */
export function hits({ hit }: Stage, ...names: readonly ServiceName[]): void {
  for (const name of names) hit.add(name);
}

/** A line that the log of each of these must have afterwards. */
export function shows({ signs }: Stage, names: readonly ServiceName[], line: string): void {
  for (const service of names) signs.lines.push({ service, shows: line });
}

/** Something of which the service must count more afterwards. */
export async function counts(stage: Stage, service: ServiceName, series: RegExp, more?: number): Promise<void> {
  stage.signs.others.push(
    await counting({ service, metrics: () => askMetrics(stage.product.operations[service]) }, series, more),
  );
}

/** What a member of a group says when the broker has put it out, or everybody has to come anew because it did so. */
export const PUT_OUT =
  '"what":"kafka".*(The coordinator is not aware of this member|The group is rebalancing, re-joining)';

export const pause = (ms: number): Promise<void> => delay(ms);
