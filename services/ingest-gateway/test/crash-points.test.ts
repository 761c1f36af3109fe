/** The gateway's intake and admission, broken at every place that uploads pass; the client sends them again. */
import { join } from 'node:path';
import { topics } from '@lead-flood/contracts';
import { sql } from '@lead-flood/postgres';
import { crashPoints, sampleId, sampleOrg, testNow } from '@lead-flood/testing';
import type { Admission } from '../src/admission/admission.ts';
import { startAdmission } from '../src/admission/admission.ts';
import { checkRow, commitIntake } from '../src/uploads/lead-intake.ts';

/** Uploads of one chunk and of two; every fourth row has no identity. */
const uploads = [1, 2, 501].map((rowsTotal) => ({
  facts: {
    jobId: sampleId('upload', rowsTotal),
    orgId: sampleOrg,
    userId: sampleId('user'),
    kind: 'csv',
    correlationId: 'test',
    rowsTotal,
  } as const,
  rows: Array.from({ length: rowsTotal }, (_, i) =>
    checkRow(i + 1, { ...(i % 4 === 3 ? {} : { email: `row${i}@aurora.se.example` }), source: 'upload' }),
  ),
}));

/** A line that keeps up whatever comes. */
const watchLine = () =>
  Promise.resolve({
    look: () => Promise.resolve({ queueMs: 0, perSecond: 50_000 }),
    close: () => Promise.resolve(),
  });

crashPoints('the gateway’s intake', {
  schema: 'ingest_gateway',
  migrations: join(import.meta.dirname, '../migrations'),
  create: () => {
    let admission: Admission | null = null;
    return {
      // It reads no topic: admission and relay are what runs.
      starter: {
        group: 'ingest-gateway',
        processor: { reads: [], writes: [topics['ingest.lead.v1'], topics['platform.job.v1']] },
        start: ({ database, wakeRelay }) => {
          const started = startAdmission({
            perSecondMax: () => Promise.resolve(50_000),
            database,
            watchLine,
            wakeRelay,
            onError: () => undefined,
            onAdmitted: () => undefined,
          });
          admission = started;
          return Promise.resolve({
            lastSeenAt: Date.now,
            halted: () => null,
            failingSince: () => null,
            stop: started.stop,
          });
        },
      },
      asks: uploads.map(({ facts, rows }) => (door) => {
        const deps = {
          ...door,
          admission: { wake: () => admission?.wake() },
          now: () => testNow,
          waitingMax: 10_000,
          areSinglesComing: () => Promise.resolve(false),
        };
        return commitIntake(deps, (after) => rows.slice(after), facts);
      }),
      isDone: async (database) => !(await database.exists(sql.unsafe`select 1 from admissions`)),
    };
  },
  inputs: [],
});
