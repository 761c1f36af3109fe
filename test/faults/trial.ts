/** One trial: a wave of fresh leads by two doors, the fault in its middle, then the judge. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Codec, KafkaClient } from '@lead-flood/kafka';
import { createProducer } from '@lead-flood/kafka';
import { TransientError } from '@lead-flood/kernel';
import type { Product, Stack } from '@lead-flood/local';
import { doubtful } from '../invariants/contacted-once.ts';
import type { Verdict } from '../invariants/judge.ts';
import { judge, violationsOf } from '../invariants/judge.ts';
import type { Doubtful, InjectedFault } from '../invariants/world.ts';
import { openWorld } from '../invariants/world.ts';
import type { Allowed } from './allowed.ts';
import { allowed } from './allowed.ts';
import type { Acked } from './generator.ts';
import { emptyJournal, postLead, toAcked } from './generator.ts';
import { person } from './people.ts';
import { disturbedCalls, senders, sumOver } from './sandbox-counts.ts';
import { noSigns, unseen } from './signs.ts';
import type { Fault, Stage } from './stage.ts';
import { lookups, seeded, setProviders } from './stage.ts';

const BY_KAFKA = 200;
const BY_REST = 40;
const CHUNK = 10;
const CHUNK_EVERY_MS = 200;
const REST_EVERY_MS = 100;
/** After the fault is healed; the sender's and the providers' second and third tries come within it. */
const RECOVERY_MS = 60_000;
const SHOWN_MAX = 10;

/** What the whole run has done so far: the judge looks at everything, so a trial is judged with all before it. */
export type Ledger = {
  readonly journal: Acked;
  readonly startedAt: number;
  people: number;
  /** What the trials before were judged for. */
  doubtful: Doubtful;
};

export const openLedger = (): Ledger => ({
  journal: emptyJournal(),
  startedAt: Date.now(),
  people: 0,
  doubtful: { doubts: new Set(), paidTwice: new Map() },
});

export type Setting = {
  readonly directory: string;
  readonly stack: Stack;
  readonly product: Product;
  readonly client: KafkaClient;
  readonly codec: Codec;
  readonly ledger: Ledger;
};

export type Result = {
  readonly violations: readonly string[];
  readonly notes: readonly string[];
  readonly tookMs: number;
};

export async function runTrial(setting: Setting, fault: Fault, at: { seed: number; trial: number }): Promise<Result> {
  const startedAt = Date.now();
  const { product, ledger } = setting;
  const violations: string[] = [];
  const said: string[] = [];
  const stage: Stage = {
    ...setting,
    random: seeded(at.seed * 1_000_003 + Number(fault.name.slice(1)) * 101 + at.trial),
    remedies: [],
    say: (what) => void said.push(what),
    complain: (what) => void violations.push(what),
    hit: new Set(),
    signs: noSigns(),
  };
  // Both kinds of provider in turn: one that knows our keys must never be paid twice, the other at most for what was under way.
  const dedupe = at.trial % 2 === 0;
  await setProviders(stage, lookups, { dedupe });
  const lostBefore = ledger.journal.lost;

  const disturbedBefore = await disturbed(product);
  const wave = sendWave(setting);
  const brokenAt = Date.now();
  try {
    await delay(1_000);
    await fault.inject(stage);
  } finally {
    await fault.heal(stage);
  }
  await wave;
  const { hit, signs } = stage;
  const until = Date.now() + RECOVERY_MS;
  // Of the trials before, each was judged by its own.
  const injected = signs.lines.map((line) => ({ name: fault.name, from: brokenAt, until, ...line }));
  const { found, inDoubt } = await judgeAll(setting, injected, async () =>
    allowed(fault, { hit, dedupe, disturbed: (await disturbed(product)) - disturbedBefore }),
  );
  violations.push(...found, ...(await unseen(signs)).map((what) => `I12 ${fault.name}: ${what}`));
  const lost = ledger.journal.lost - lostBefore;
  return {
    violations,
    notes: [
      ...(said.length === 0 ? [] : [said.join('; ')]),
      ...signs.hidden.map((why) => `I12 not judged: ${why}`),
      ...(inDoubt.length === 0
        ? []
        : [`${inDoubt.length} messages in doubt: ${inDoubt.slice(0, SHOWN_MAX).join(', ')}`]),
      ...(lost === 0 ? [] : [`${lost} answers of ${product.gateway} lost or not final, asked again`]),
    ],
    tookMs: Date.now() - startedAt,
  };
}

async function sendWave({ client, codec, product, ledger }: Setting): Promise<void> {
  const first = ledger.people;
  ledger.people += BY_KAFKA + BY_REST;
  const door = { url: product.gateway, apiKey: product.seeds.apiKey };
  const byRest = Array.from({ length: BY_REST }, async (_, i) => {
    await delay(i * REST_EVERY_MS);
    await postLead(door, ledger.journal, first + BY_KAFKA + i);
  });
  const byKafka = async (): Promise<void> => {
    const producer = await createProducer(client);
    for (let start = 0; start < BY_KAFKA; start += CHUNK) {
      const seeds = Array.from({ length: CHUNK }, (_, i) => first + start + i);
      const leads = seeds.map((seed) => person(seed, product.seeds.orgId));
      const records = leads.map((data) => ({
        topic: 'ingest.lead.v1',
        key: data.externalId,
        headers: {},
        value: codec.encode('LeadSubmitted', data),
      }));
      await untilStored(() => producer.send(records));
      for (const seed of seeds) ledger.journal.published.add(seed);
      await delay(CHUNK_EVERY_MS);
    }
    await producer.stop();
  };
  await Promise.all([byKafka(), ...byRest]);
}

/** A careful upstream system: what the broker has not acknowledged it sends again. */
async function untilStored(send: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await send();
      return;
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      await delay(500);
    }
  }
}

async function judgeAll(
  { stack, product, directory, ledger }: Setting,
  injected: readonly InjectedFault[],
  bounds: () => Promise<Allowed>,
): Promise<{ found: string[]; inDoubt: string[] }> {
  const { kafka, postgres, registry } = stack.addresses;
  const world = await openWorld({
    kafka,
    postgres,
    registry,
    sandbox: product.sandbox,
    logs: directory,
    acked: toAcked(ledger.journal),
    book: join(directory, 'sandbox-accepted.ndjson'),
    before: ledger.doubtful,
    tickingSince: ledger.startedAt,
    faults: injected,
  });
  // What the sandbox refused or left unanswered is counted once all of it has happened.
  await judge(world, { settleMs: RECOVERY_MS, only: ['I9'] });
  const verdicts = await judge({ ...world, ...(await bounds()) }, { settleMs: 5_000 });
  const now = await doubtful(world);
  const inDoubt = [...now.doubts].filter((id) => !ledger.doubtful.doubts.has(id));
  ledger.doubtful = now;
  await world.end();
  return { found: verdicts.flatMap(wordsOf), inDoubt };
}

function wordsOf(verdict: Verdict): string[] {
  const { name } = verdict.invariant;
  if ('notChecked' in verdict.result) return [`${name} not checked: ${verdict.result.notChecked}`];
  const found = violationsOf(verdict);
  return [
    ...found.slice(0, SHOWN_MAX).map(({ id, what }) => `${name} ${id}: ${what}`),
    ...(found.length > SHOWN_MAX ? [`${name} and ${found.length - SHOWN_MAX} more`] : []),
  ];
}

/** Messages that the sandbox took without an answer that could be used, or refused in a way that may mean either. */
const disturbed = async (product: Product): Promise<number> => sumOver(await disturbedCalls(product), senders);
