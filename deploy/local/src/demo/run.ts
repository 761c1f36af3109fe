// The demo from the first lead to the last check.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ProductAddresses } from '../hints.ts';
import { repositoryRoot } from '../stack.ts';
import { breakProvider, until, work } from './actors.ts';
import type { Api, Funnel } from './api.ts';
import { createApi } from './api.ts';
import { difference, makeChecks } from './checks.ts';
import { sendCsv, sendEvents, sendRest } from './doors.ts';
import { printChecks, printFunnel, showProgress } from './report.ts';
import { stageTimes } from './stages.ts';
import { makeSubmissions } from './submissions.ts';

const sendSeconds = 20;
const settleMs = 90_000;
const seedsPerRun = 20_000;

/** True when every count adds up. */
export async function runDemo(addresses: ProductAddresses, count: number): Promise<boolean> {
  const api = createApi(addresses);
  const submissions = makeSubmissions(count, nextRun() * seedsPerRun);
  const byDoor = (door: string): typeof submissions => submissions.filter((submission) => submission.door === door);
  const before = await api.get<Funnel>('/v1/analytics/funnel');
  const doublesBefore = await countDoubles(api);
  const progress = showProgress();
  let now = before;
  let done = false;
  const watching = watch(
    api,
    () => done,
    (funnel, inFlight) => {
      now = funnel;
      progress.update(difference(funnel, before), inFlight);
    },
  );
  await api.control('PUT', '/mail', {
    replyRate: 0.15,
    delayMs: 500,
    deliverTo: { url: `${addresses.gateway}/webhooks/mail`, secret: addresses.mailSecret },
  });
  let resting = false;
  const caller = work(addresses, api, () => resting);
  const perSecond = (door: string): number => Math.max(5, byDoor(door).length / sendSeconds);
  progress.say(
    `${count} submissions: ${byDoor('kafka').length} Kafka events, ${byDoor('rest').length} REST calls, ${byDoor('csv').length} rows of CSV`,
  );
  const breaking = breakProvider(api, () => now.scoring.scored - before.scoring.scored > count / 10, progress.say);
  const [garbage, rest, csv] = await Promise.all([
    sendEvents(addresses, byDoor('kafka'), perSecond('kafka')),
    sendRest(addresses, byDoor('rest'), perSecond('rest')),
    sendCsv(addresses, byDoor('csv'), 4),
  ]);
  progress.say('everything is handed in');
  const breaker = await breaking;
  const evidence = async () => ({
    submissions,
    rest,
    csv,
    garbage,
    breaker,
    funnel: difference(await api.get<Funnel>('/v1/analytics/funnel'), before),
    doubles: (await countDoubles(api)) - doublesBefore,
  });
  await until(async () => makeChecks(await evidence()).every(({ expected, actual }) => expected === actual), settleMs);
  resting = true;
  const calls = await caller;
  done = true;
  await watching;
  progress.end();
  const end = await evidence();
  printFunnel(end.funnel, { known: rest.known, refused: rest.refused + csv.refused });
  const [slowest, ...others] = await stageTimes(api, 100);
  if (slowest !== undefined) {
    const text = (stage: typeof slowest): string =>
      `${stage.stage} ${stage.medianMs} ms (slowest ${stage.slowestMs} ms)`;
    process.stdout.write(`slowest stage: ${text(slowest)}; then ${others.map(text).join(', ')}\n`);
  }
  process.stdout.write(
    `the caller made ${calls.calls} calls: ${
      Object.entries(calls.outcomes)
        .map(([name, n]) => `${name} ${n}`)
        .join(', ') || 'nobody to call at this hour'
    }\n\n`,
  );
  return printChecks(makeChecks(end));
}

async function watch(
  api: Api,
  stopped: () => boolean,
  show: (funnel: Funnel, inFlight: number) => void,
): Promise<void> {
  while (!stopped()) {
    const funnel = await api.get<Funnel>('/v1/analytics/funnel');
    const inFlight =
      (await api.metric('enrichment', 'leadflood_processor_in_flight_messages', 'group="enrichment"')) ?? 0;
    show(funnel, inFlight);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Whoever got the same message twice, or two first messages. */
async function countDoubles(api: Api): Promise<number> {
  const answer = await api.control<{ doubles?: unknown[] } | unknown[]>('GET', '/doubles');
  return (Array.isArray(answer) ? answer : (answer.doubles ?? [])).length;
}

/** Each run invents other people, also against a product that has seen the earlier ones. */
function nextRun(): number {
  const file = join(repositoryRoot, '.local', 'demo-runs');
  const run = existsSync(file) ? Number(readFileSync(file, 'utf8')) || 0 : 0;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, String(run + 1));
  return run;
}
