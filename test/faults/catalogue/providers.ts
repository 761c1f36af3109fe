/** F8: the outside world is slow, ill, or answers with nothing that could be used. */
import { z } from 'zod';
import { createDatabase, sql } from '@lead-flood/postgres';
import { disturbedCalls } from '../sandbox-counts.ts';
import { askMetrics, sumOf } from '../signs.ts';
import type { Fault, Stage } from '../stage.ts';
import { hits, lookups, lookupsUnderWay, pause, remedy, setProviders } from '../stage.ts';

const modes = ['slow', 'down', 'rate-limited', 'reset', 'garbage', 'lost'] as const;

export const providers: Fault = {
  name: 'F8',
  sentence:
    'providers are slow, answer 500 or 429, break off, answer garbage or nothing; the mail server loses answers',
  doubtsMax: 0,
  paidTwiceMax: lookupsUnderWay,
  async inject(stage) {
    hits(stage, 'enrichment');
    await reconciled(stage);
    stage.remedies.push(async () => {
      await setProviders(stage, [...lookups, 'trengo'], { mode: 'ok' });
      await setProviders(stage, ['mail'], { mode: 'ok' });
    });
    for (let round = 0; round < 3; round += 1) {
      const mode = stage.random.oneOf(modes);
      const mail = stage.random.oneOf(['ok', 'down', 'lost'] as const);
      stage.say(`${mode}, mail ${mail}`);
      if (mode === 'slow') stage.signs.hidden.push('a slow answer is an answer, and counted as any other');
      await setProviders(stage, [stage.random.oneOf(lookups), 'trengo'], { mode, slowMs: 3_000 });
      await setProviders(stage, ['mail'], { mode: mail });
      await pause(1_500);
    }
  },
  heal: remedy,
};

/** Enrichment's names for those of the sandbox. */
const callers = { apollo: 'apollo', hunter: 'hunter', pdl: 'peopledatalabs' } as const;

const failedCalls = (provider: string): RegExp =>
  new RegExp(`^leadflood_provider_calls_total\\{.*provider="${provider}".*outcome="(?!ok"|refused")`);
const triedAgain = /^leadflood_processor_messages_total\{.*group="outreach-send".*outcome="redelivered"/;

/** What the sandbox says it has disturbed stands in the counts of whoever called: a provider's trouble is seen as its own. */
async function reconciled(stage: Stage): Promise<void> {
  const { enrichment, outreach } = stage.product.operations;
  const look = async () => {
    const [disturbed, lookedUp, sent] = await Promise.all([
      disturbedCalls(stage.product),
      askMetrics(enrichment),
      askMetrics(outreach),
    ]);
    const seen = lookups.map((name) => [name, sumOf(lookedUp, failedCalls(callers[name]))] as const);
    return {
      disturbed,
      seen: new Map<string, number>([...seen, ['mail', sumOf(sent, triedAgain) + (await unsent(stage))]]),
    };
  };
  const before = await look();
  for (const name of [...lookups, 'mail'])
    stage.signs.others.push({
      what: `${name} refused or broke off calls, and its caller has counted none of them`,
      seen: async () => {
        const { disturbed, seen } = await look();
        const troubled = (disturbed.get(name) ?? 0) > (before.disturbed.get(name) ?? 0);
        return !troubled || (seen.get(name) ?? 0) > (before.seen.get(name) ?? 0);
      },
    });
  stage.signs.hidden.push('outreach counts no calls to Trengo: what it tries again within a call is seen nowhere');
}

/** Messages whose attempt ended without being sent: outreach keeps a row of each. */
async function unsent({ stack }: Stage): Promise<number> {
  const database = await createDatabase({
    url: stack.addresses.postgres,
    schema: 'outreach',
    applicationName: 'invariants',
    connectionsMax: 1,
    readOnly: true,
  });
  try {
    return await database.oneFirst(sql.type(z.object({ n: z.int() }))`
      select count(*) as n from delivery_attempts where outcome in ('UNKNOWN', 'FAILED')
    `);
  } finally {
    await database.end();
  }
}
