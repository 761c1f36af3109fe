/** graphile-worker: jobs in Postgres. */
import { makeWorkerUtils, run } from 'graphile-worker';
import type { TaskList } from 'graphile-worker';
import type { Contender } from './contender.ts';
import { createPool, createTables, lastStage, saveRows, schemaOf, stages } from './stages.ts';
import type { Lead, Servers } from './stages.ts';

const CONCURRENCY = 20;
const TOGETHER = 100;

const settings = (at: Servers): { connectionString: string; schema: string } => ({
  connectionString: at.postgres,
  schema: `${schemaOf(at.run)}_jobs`,
});

async function prepare(at: Servers): Promise<void> {
  await createTables(at);
  const utils = await makeWorkerUtils(settings(at));
  await utils.migrate();
  await utils.release();
}

const seedBy =
  (together: number) =>
  async (at: Servers, leads: readonly Lead[]): Promise<void> => {
    const utils = await makeWorkerUtils(settings(at));
    const jobs = Array.from({ length: Math.ceil(leads.length / together) }, (_, i) => ({
      identifier: 'ingest',
      payload: leads.slice(i * together, (i + 1) * together),
    }));
    for (let i = 0; i < jobs.length; i += 200) await utils.addJobs(jobs.slice(i, i + 200));
    await utils.release();
  };

/** A payload is a list of leads: of one as its documentation has it, of a hundred where the work is batched by hand. */
async function work(at: Servers): Promise<void> {
  const pool = createPool(at, 20);
  const taskList: TaskList = Object.fromEntries(
    stages.map((name, stage) => [
      name,
      async (payload: unknown, helpers: { addJob: (name: string, payload: unknown) => Promise<unknown> }) => {
        const leads = payload as Lead[];
        await saveRows(pool, stage, leads);
        if (stage < lastStage) await helpers.addJob(stages[stage + 1] ?? '', leads);
      },
    ]),
  );
  const runner = await run({
    ...settings(at),
    concurrency: CONCURRENCY,
    maxPoolSize: CONCURRENCY,
    noHandleSignals: true,
    pollInterval: 500,
    taskList,
  });
  await runner.promise;
}

export const graphileWorker: Contender = {
  name: 'graphile-worker',
  note: 'concurrency 20; jobs of a killed worker stay locked for four hours',
  leads: 4_000,
  prepare,
  seed: seedBy(1),
  work,
};

export const graphileWorkerTogether: Contender = {
  name: 'graphile-worker-batched',
  note: 'a hundred leads are one job from end to end and fail together; otherwise as graphile-worker',
  leads: 60_000,
  prepare,
  seed: seedBy(TOGETHER),
  work,
};
