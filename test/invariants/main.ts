// `npm run invariants`: judges a running stack and ends with 0 or 1. Reads .local/addresses.json unless told otherwise.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { defaultDirectory, repositoryRoot } from '@lead-flood/local';
import { toError } from '@lead-flood/kernel';
import { invariants, isGood, judge, linesOf } from './judge.ts';
import { measure } from './processes.ts';
import type { Sources } from './world.ts';
import { acked, injectedFault, measurement, openWorld, readJson } from './world.ts';

const usage = `usage: npm run invariants -- [options]
  --kafka, --postgres, --registry, --sandbox <address>   instead of those of the running product
  --logs <folder>        logs of the services
  --journal <file>       what a generator was told to be accepted
  --doubts <n>           at most so many messages in doubt, and as many lookups paid twice
  --faults <file>        what was injected
  --baseline <file>      an earlier measurement of heap and handles
  --measure <file>       writes such a measurement and ends
  --settle <seconds>     time to come to rest, 60 by default
  --only <I1,I2,...>     ${invariants.map(({ name }) => name).join(', ')}`;

const text = { type: 'string' } as const;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      kafka: text,
      postgres: text,
      registry: text,
      sandbox: text,
      logs: text,
      journal: text,
      doubts: text,
      faults: text,
      baseline: text,
      measure: text,
      settle: text,
      only: text,
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  const running = addresses();
  const { kafka, postgres, registry } = { ...running, ...defined(values) };
  if (values.measure !== undefined) {
    writeFileSync(values.measure, JSON.stringify(await measure(running.operations ?? {})));
    return 0;
  }
  if (kafka === undefined || postgres === undefined || registry === undefined) {
    process.stderr.write(`nothing runs here: \`npm start\`, or give the addresses\n${usage}\n`);
    return 2;
  }
  const sources: Sources = {
    kafka,
    postgres,
    registry,
    sandbox: values.sandbox ?? running.sandbox,
    logs: values.logs ?? (running.kafka === undefined ? undefined : defaultDirectory),
    operations: running.operations,
    acked: values.journal === undefined ? undefined : readJson(values.journal, acked),
    paidTwiceMax: values.doubts === undefined ? undefined : Number(values.doubts),
    doubtsMax: values.doubts === undefined ? undefined : Number(values.doubts),
    faults: values.faults === undefined ? undefined : readJson(values.faults, z.array(injectedFault)),
    baseline: values.baseline === undefined ? undefined : readJson(values.baseline, measurement),
  };
  const world = await openWorld(sources);
  const only = values.only?.split(',');
  const verdicts = await judge(world, {
    settleMs: Number(values.settle ?? 60) * 1_000,
    ...(only === undefined ? {} : { only }),
  });
  await world.end();
  process.stdout.write(`${linesOf(verdicts).join('\n')}\n`);
  return isGood(verdicts) ? 0 : 1;
}

const address = z
  .object({
    kafka: z.string(),
    postgres: z.string(),
    registry: z.string(),
    sandbox: z.string(),
    operations: z.record(z.string(), z.string()),
  })
  .partial();

function addresses(): z.infer<typeof address> {
  const file = join(repositoryRoot, '.local', 'addresses.json');
  return existsSync(file) ? address.parse(JSON.parse(readFileSync(file, 'utf8'))) : {};
}

const defined = (values: { kafka?: string; postgres?: string; registry?: string }): Partial<Sources> => ({
  ...(values.kafka === undefined ? {} : { kafka: values.kafka }),
  ...(values.postgres === undefined ? {} : { postgres: values.postgres }),
  ...(values.registry === undefined ? {} : { registry: values.registry }),
});

try {
  process.exit(await main());
} catch (error) {
  process.stderr.write(`${toError(error).message}\n`);
  process.exit(2);
}
