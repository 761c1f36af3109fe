/** pg-boss: queues in Postgres. */
import { PgBoss } from 'pg-boss';
import type { Contender } from './contender.ts';
import { createPool, createTables, lastStage, saveRows, schemaOf, stages } from './stages.ts';
import type { Lead, Servers } from './stages.ts';

const TOGETHER = 500;
/** A fetcher asks twice a second at most, so one alone would be the limit of a stage. */
const FETCHERS = 8;

const create = async (at: Servers): Promise<PgBoss> => {
  const boss = new PgBoss({ connectionString: at.postgres, schema: `${schemaOf(at.run)}_boss`, max: 15 });
  boss.on('error', (error: Error) => process.stderr.write(`${error.message}\n`));
  await boss.start();
  return boss;
};

async function prepare(at: Servers): Promise<void> {
  await createTables(at);
  const boss = await create(at);
  for (const stage of stages) await boss.createQueue(stage);
  await boss.stop({ graceful: false });
}

async function seed(at: Servers, leads: readonly Lead[]): Promise<void> {
  const boss = await create(at);
  for (let i = 0; i < leads.length; i += 500)
    await boss.insert(
      'ingest',
      leads.slice(i, i + 500).map((data) => ({ data })),
    );
  await boss.stop({ graceful: false });
}

/** As its documentation says: a handler that deals with its jobs and sends the next ones. */
async function workOneByOne(at: Servers): Promise<void> {
  const boss = await create(at);
  const pool = createPool(at, 20);
  for (const [stage, name] of stages.entries())
    await boss.work<Lead>(
      name,
      { batchSize: 50, localConcurrency: FETCHERS, pollingIntervalSeconds: 0.5 },
      async (jobs) => {
        await Promise.all(
          jobs.map(async ({ data }) => {
            await saveRows(pool, stage, [data]);
            if (stage < lastStage) await boss.send(stages[stage + 1] ?? '', data);
          }),
        );
      },
    );
}

async function workTogether(at: Servers): Promise<void> {
  const boss = await create(at);
  const pool = createPool(at, 10);
  for (const [stage, name] of stages.entries())
    await boss.work<Lead>(
      name,
      { batchSize: TOGETHER, localConcurrency: FETCHERS, pollingIntervalSeconds: 0.5 },
      async (jobs) => {
        const leads = jobs.map(({ data }) => data);
        await saveRows(pool, stage, leads);
        if (stage < lastStage)
          await boss.insert(
            stages[stage + 1] ?? '',
            leads.map((data) => ({ data })),
          );
      },
    );
}

const common = { prepare, seed };

export const pgBoss: Contender = {
  ...common,
  name: 'pg-boss',
  note: 'eight fetchers of batches of 50, job by job; a crash repeats what was under way after its expiry of 15 minutes',
  leads: 4_000,
  work: workOneByOne,
};

export const pgBossTogether: Contender = {
  ...common,
  name: 'pg-boss-batched',
  note: 'eight fetchers of batches of 500, one statement for the rows, one for the next jobs; otherwise as pg-boss',
  leads: 15_000,
  work: workTogether,
};
