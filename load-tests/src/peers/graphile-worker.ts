/** graphile-worker: jobs in Postgres. */
import { makeWorkerUtils, run } from 'graphile-worker';
import type { AddJobsFunction, TaskList } from 'graphile-worker';
import type pg from 'pg';
import type { Contender } from './contender.ts';
import { createPool, createTables, lastStage, saveRows, schemaOf, stages } from './stages.ts';
import type { Lead, Servers } from './stages.ts';

const CONCURRENCY = 20;
/** Leads of one statement, where work is gathered; and jobs fetched by one, for all five stages. */
const TOGETHER = 200;
const LOCAL_QUEUE = 1_000;
/** Leads of one job, where a list travels as one. */
const LIST = 100;
const GATHER_MS = 10;

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

const saveAndSend =
  (pool: pg.Pool, addJobs: AddJobsFunction) =>
  async (stage: number, leads: readonly Lead[]): Promise<void> => {
    await saveRows(pool, stage, leads);
    const identifier = stages[stage + 1];
    if (identifier !== undefined) await addJobs(leads.map((lead) => ({ identifier, payload: [lead] })));
  };

/** As its documentation has it; a payload is a list of leads: of one, or of a hundred that stay together. */
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

/** A job a lead; what runs side by side shares the statements, and jobs are fetched and completed many at once. */
async function workTogether(at: Servers): Promise<void> {
  const pool = createPool(at, 10);
  const utils = await makeWorkerUtils(settings(at));
  const deal = saveAndSend(pool, utils.addJobs);
  const taskList: TaskList = Object.fromEntries(
    stages.map((name, stage) => {
      const gathered = gather((leads) => deal(stage, leads));
      return [name, (payload: unknown) => gathered((payload as Lead[])[0] as Lead)];
    }),
  );
  const runner = await run({
    ...settings(at),
    noHandleSignals: true,
    taskList,
    preset: {
      worker: {
        concurrentJobs: LOCAL_QUEUE,
        maxPoolSize: CONCURRENCY,
        pollInterval: 500,
        localQueue: { size: LOCAL_QUEUE },
        completeJobBatchDelay: GATHER_MS,
        failJobBatchDelay: GATHER_MS,
      },
    },
  });
  await runner.promise;
}

/** Calls of one moment become one call with all of them. */
function gather(deal: (leads: readonly Lead[]) => Promise<void>): (lead: Lead) => Promise<void> {
  let waiting: { leads: Lead[]; done: PromiseWithResolvers<undefined> } | null = null;
  const go = (): void => {
    if (waiting === null) return;
    const { leads, done } = waiting;
    waiting = null;
    deal(leads).then(() => done.resolve(undefined), done.reject);
  };
  return async (lead) => {
    if (waiting === null) {
      waiting = { leads: [], done: Promise.withResolvers() };
      setTimeout(go, GATHER_MS);
    }
    const { leads, done } = waiting;
    leads.push(lead);
    if (leads.length === TOGETHER) go();
    await done.promise;
  };
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
  note: 'a job a lead, 200 leads share the statements by hand; local queue of 1,000, completed many at once; otherwise as graphile-worker',
  leads: 20_000,
  prepare,
  seed: seedBy(1),
  work: workTogether,
};

export const graphileWorkerLists: Contender = {
  name: 'graphile-worker-lists',
  note: 'a hundred leads come as one job, and are late, fail and are repeated together; otherwise as graphile-worker',
  leads: 60_000,
  prepare,
  seed: seedBy(LIST),
  work,
};
