/** One trial: a wave of fresh leads by two doors, the fault in its middle, then the judge. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Codec, KafkaClient } from '@lead-flood/kafka';
import { createProducer } from '@lead-flood/kafka';
import { TransientError } from '@lead-flood/kernel';
import type { Product, Stack } from '@lead-flood/local';
import { createDatabase, sql } from '@lead-flood/postgres';
import { judge, violationsOf } from '../invariants/judge.ts';
import type { InjectedFault } from '../invariants/world.ts';
import { openWorld } from '../invariants/world.ts';
import type { Acked } from './generator.ts';
import { emptyJournal, postLead, toAcked } from './generator.ts';
import { person } from './people.ts';
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
  people: number;
  doubts: number;
  paidTwiceMax: number;
};

export const openLedger = (): Ledger => ({
  journal: emptyJournal(),
  people: 0,
  doubts: 0,
  paidTwiceMax: 0,
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
  };
  // Both kinds of provider in turn: one that knows our keys must never be paid twice, the other at most for what was under way.
  const dedupe = at.trial % 2 === 0;
  await setProviders(stage, lookups, { dedupe });
  ledger.paidTwiceMax += dedupe ? 0 : fault.paidTwiceMax;
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
  const { name, shows } = fault;
  // Of the trials before, each was judged by its own.
  const injected =
    shows === null ? [] : [{ name, from: brokenAt, until: Date.now() + RECOVERY_MS, service: null, shows }];
  violations.push(
    ...(await judgeAll(
      setting,
      injected,
      async () => ledger.doubts + fault.doubtsMax + (await disturbed(product)) - disturbedBefore,
    )),
  );
  const doubts = await countDoubts(setting);
  const inDoubt = doubts.slice(ledger.doubts);
  ledger.doubts = doubts.length;
  const lost = ledger.journal.lost - lostBefore;
  return {
    violations,
    notes: [
      ...(said.length === 0 ? [] : [said.join('; ')]),
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
  doubtsMax: () => Promise<number>,
): Promise<string[]> {
  const { kafka, postgres, registry } = stack.addresses;
  const world = await openWorld({
    kafka,
    postgres,
    registry,
    sandbox: product.sandbox,
    logs: directory,
    acked: toAcked(ledger.journal),
    paidTwiceMax: ledger.paidTwiceMax,
    faults: injected,
  });
  // What the sandbox refused or left unanswered is counted once all of it has happened.
  await judge(world, { settleMs: RECOVERY_MS, only: ['I9'] });
  const verdicts = await judge({ ...world, doubtsMax: await doubtsMax() }, { settleMs: 5_000 });
  await world.end();
  return verdicts.flatMap((verdict) => {
    const { name } = verdict.invariant;
    if ('notChecked' in verdict.result) return [`${name} not checked: ${verdict.result.notChecked}`];
    const found = violationsOf(verdict);
    return [
      ...found.slice(0, SHOWN_MAX).map(({ id, what }) => `${name} ${id}: ${what}`),
      ...(found.length > SHOWN_MAX ? [`${name} and ${found.length - SHOWN_MAX} more`] : []),
    ];
  });
}

const summary = z.object({
  providers: z.record(z.string(), z.object({ refused: z.int(), outcomes: z.record(z.string(), z.int()) })),
});

/** Messages that the sandbox took without an answer that could be used, or refused in a way that may mean either. */
async function disturbed({ sandbox }: Product): Promise<number> {
  const { providers } = summary.parse(await (await fetch(`${sandbox}/_control/summary`)).json());
  return ['mail', 'trengo'].reduce((sum, name) => {
    const { refused = 0, outcomes = {} } = providers[name] ?? {};
    return sum + refused + ['lost', 'reset', 'garbage'].reduce((n, outcome) => n + (outcomes[outcome] ?? 0), 0);
  }, 0);
}

/** Messages whose fate nobody knows, in the order in which they came to be. */
async function countDoubts({ stack }: Setting): Promise<readonly string[]> {
  const database = await createDatabase({
    url: stack.addresses.postgres,
    schema: 'outreach',
    applicationName: 'invariants',
    connectionsMax: 1,
    readOnly: true,
  });
  const ids = await database.anyFirst(sql.type(z.object({ id: z.string() }))`
    select message_id as id from delivery_attempts where outcome = 'UNKNOWN' order by created_at, message_id
  `);
  await database.end();
  return ids;
}
