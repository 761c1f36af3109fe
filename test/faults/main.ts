// `npm run faults`: plays the catalogue against real processes, judges after each trial, ends with 1 on any violation.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { avroSchemas } from '@lead-flood/contracts';
import type { EventName } from '@lead-flood/contracts';
import { createCodec, createKafkaClient, createRegistry } from '@lead-flood/kafka';
import { startProduct, startStack } from '@lead-flood/local';
import { measure } from '../invariants/processes.ts';
import type { Measurement } from '../invariants/world.ts';
import { sayBound } from './bound.ts';
import { catalogue } from './catalogue/index.ts';
import { environmentWith } from '../planted-bugs/plant.ts';
import { grownAtRest, larger, sayMeasured, TRIALS_TO_JUDGE_GROWTH } from './growth.ts';
import type { Setting } from './trial.ts';
import { openLedger, runTrial } from './trial.ts';

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '3' },
    only: { type: 'string', multiple: true },
    'planted-bug': { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const trials = Number(values.trials);
const seed = Number(values.seed);
const wanted = values.only?.flatMap((text) => text.split(','));
const faults = catalogue.filter(({ name }) => wanted?.includes(name) ?? true);
if (faults.length === 0 || !(trials > 0)) {
  process.stderr.write(
    `usage: npm run faults -- [--trials n] [--seed n] [--only ${catalogue.map((f) => f.name).join(',')}]\n`,
  );
  process.exit(2);
}

const directory = mkdtempSync(join(tmpdir(), 'lead-flood-faults-'));
// Servers of its own, whatever the environment names: they are about to be killed.
for (const name of ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', 'DATABASE_URL', 'REDIS_URL'])
  Reflect.deleteProperty(process.env, name);
const stack = await startStack({ directory });
// In the services alone: the judge must not share it.
const bug = values['planted-bug'];
const product = await startProduct({ stack, env: bug === undefined ? {} : environmentWith(bug) });
const setting: Setting = {
  directory,
  stack,
  product,
  client: createKafkaClient({ brokers: stack.addresses.kafka.split(','), clientId: 'faults', log: () => undefined }),
  codec: await createCodec(createRegistry(stack.addresses.registry), Object.keys(avroSchemas) as EventName[]),
  ledger: openLedger(),
};
process.stdout.write(`seed ${seed}; again with --seed ${seed}\n`);
let failed = 0;
let done = 0;
let most: Measurement = {};
for (const fault of faults) {
  let bad = 0;
  let slowestMs = 0;
  for (let trial = 0; trial < trials; trial += 1) {
    const { violations, notes, tookMs } = await runTrial(setting, fault, { seed, trial });
    slowestMs = Math.max(slowestMs, tookMs);
    done += 1;
    if (done <= Math.ceil((faults.length * trials) / 2)) most = larger(most, await measure(product.operations));
    if (violations.length > 0) bad += 1;
    for (const line of [...violations.map((text) => `! ${text}`), ...notes.map((text) => `- ${text}`)])
      process.stdout.write(`    trial ${trial + 1}: ${line}\n`);
  }
  if (bad > 0) failed += 1;
  const slowest = `slowest trial ${Math.round(slowestMs / 1_000)} s`;
  process.stdout.write(`${fault.name.padEnd(4)} ${sayBound(bad, trials)}  ${slowest}  ${fault.sentence}\n`);
}
const isJudged = done >= TRIALS_TO_JUDGE_GROWTH;
const grown = isJudged ? await grownAtRest(most, () => measure(product.operations)) : [];
const measured = sayMeasured(most, await measure(product.operations));
process.stdout.write(
  `I11  most in the first half, and now${isJudged ? '' : ' (too few trials to judge)'}: ${measured}\n`,
);
for (const { id, what } of grown) process.stdout.write(`    ! I11 ${id}: ${what}\n`);
const good = failed === 0 && grown.length === 0;
await product.stop();
await stack.stop();
if (good) rmSync(directory, { recursive: true, force: true });
else process.stdout.write(`logs: ${directory}\n`);
process.stdout.write(`${failed} of ${faults.length} faults broke an invariant (seed ${seed})\n`);
process.exit(good ? 0 : 1);
