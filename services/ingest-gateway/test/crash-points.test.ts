/** The gateway's intake, broken at every place that uploads pass; the client sends them again. */
import { join } from 'node:path';
import { topics } from '@lead-flood/contracts';
import { crashPoints, sampleId, sampleOrg, testNow } from '@lead-flood/testing';
import { checkRow, commitIntake, isRefused } from '../src/uploads/lead-intake.ts';
import type { AcceptedRow } from '../src/uploads/lead-intake.ts';

/** Uploads of one chunk and of two. */
const uploads = [1, 2, 501].map((rows) => ({
  facts: {
    jobId: sampleId('upload', rows),
    orgId: sampleOrg,
    userId: sampleId('user'),
    kind: 'csv',
    correlationId: 'test',
  } as const,
  accepted: Array.from({ length: rows }, (_, i) =>
    checkRow(i + 1, { email: `row${i}@aurora.se.example`, source: 'upload' }),
  ).filter((row): row is AcceptedRow => !isRefused(row)),
}));

crashPoints('the gateway’s intake', {
  schema: 'ingest_gateway',
  migrations: join(import.meta.dirname, '../migrations'),
  create: () => ({
    // It reads no topic: only its relay runs.
    starter: {
      group: 'ingest-gateway',
      processor: { reads: [], writes: [topics['ingest.lead.v1']] },
      start: () => Promise.resolve({ lastSeenAt: Date.now, halted: () => null, stop: () => Promise.resolve() }),
    },
    asks: uploads.map(
      ({ facts, accepted }) =>
        (door) =>
          commitIntake({ ...door, now: () => testNow }, { rowsTotal: accepted.length, accepted, refused: [] }, facts),
    ),
  }),
  inputs: [],
});
