/** BullMQ on Redis: a queue a stage. The row and the next job are two systems, written one after the other. */
import { randomUUID } from 'node:crypto';
import { Queue, Worker } from 'bullmq';
import type { Contender } from './contender.ts';
import { createPool, createTables, lastStage, saveRows, stages } from './stages.ts';
import type { Lead, Servers } from './stages.ts';

const CONCURRENCY = 100;
const TOGETHER = 200;

const connection = (at: Servers): { url: string; maxRetriesPerRequest: null } => ({
  url: at.redis,
  maxRetriesPerRequest: null,
});
const queueName = (at: Servers, stage: number): string => `${at.run}-${stages[stage] ?? ''}`;
const options = { removeOnComplete: true, removeOnFail: false };

async function seed(at: Servers, leads: readonly Lead[]): Promise<void> {
  const queue = new Queue<Lead>(queueName(at, 0), { connection: connection(at) });
  for (let i = 0; i < leads.length; i += 500)
    await queue.addBulk(leads.slice(i, i + 500).map((data) => ({ name: 'lead', data, opts: options })));
  await queue.close();
}

/** As its documentation says: one job, one call of the processor. */
async function workOneByOne(at: Servers): Promise<void> {
  const pool = createPool(at, 20);
  stages.forEach((_, stage) => {
    const next = stage === lastStage ? null : new Queue<Lead>(queueName(at, stage + 1), { connection: connection(at) });
    new Worker<Lead>(
      queueName(at, stage),
      async ({ data }) => {
        await saveRows(pool, stage, [data]);
        await next?.add('lead', data, options);
      },
      { connection: connection(at), concurrency: CONCURRENCY },
    );
  });
  return Promise.resolve();
}

/** Jobs fetched by hand and saved together; each is still fetched and completed by a call of its own. */
async function workTogether(at: Servers): Promise<void> {
  const pool = createPool(at, 10);
  await Promise.all(
    stages.map(async (_, stage) => {
      const next =
        stage === lastStage ? null : new Queue<Lead>(queueName(at, stage + 1), { connection: connection(at) });
      const worker = new Worker<Lead>(queueName(at, stage), null, {
        connection: connection(at),
        autorun: false,
        // Seconds that an empty queue is waited for by one call.
        drainDelay: 1,
      });
      await worker.waitUntilReady();
      await worker.startStalledCheckTimer();
      const token = randomUUID();
      for (;;) {
        const first = await worker.getNextJob(token);
        if (first === undefined) continue;
        const others = await Promise.all(
          Array.from({ length: TOGETHER - 1 }, () => worker.getNextJob(token, { block: false })),
        );
        const jobs = [first, ...others].filter((job) => job !== undefined);
        const leads = jobs.map((job) => job.data);
        await saveRows(pool, stage, leads);
        await next?.addBulk(leads.map((data) => ({ name: 'lead', data, opts: options })));
        await Promise.all(jobs.map((job) => job.moveToCompleted(null, token, false)));
      }
    }),
  );
}

const common = { prepare: createTables, seed };

export const bullmq: Contender = {
  ...common,
  name: 'bullmq',
  note: 'concurrency 100; a crash between row and next job repeats the row, a lost job is found by a stalled check',
  leads: 5_000,
  work: workOneByOne,
};

export const bullmqTogether: Contender = {
  ...common,
  name: 'bullmq-batched',
  note: '200 jobs by hand, addBulk; otherwise as bullmq',
  leads: 10_000,
  work: workTogether,
};
