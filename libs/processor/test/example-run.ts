/** Chapter 21's invented run: a library of shelves, whose catalogue is read one shelf at a time. */
import { z } from 'zod';
import { topics } from '@lead-flood/contracts';
import type { DiscoveryPageRequested, DiscoveryRunEnded } from '@lead-flood/contracts';
import { createDocumentStore } from '@lead-flood/postgres';
import { createRun, emit, initialRun, runState } from '@lead-flood/processor';
import type { EffectProcessor, Fetched, RunState } from '@lead-flood/processor';
import { sampleId, sampleOrg, testNow } from '@lead-flood/testing';
import type { TestEvent } from '@lead-flood/testing';

export type Shelf = { readonly books: number; readonly torn: number; readonly isLast: boolean };
export type Tally = { readonly books: number; readonly torn: number };
/** The shelf to read next. */
type Cursor = { readonly shelf: number };
export type CatalogueState = RunState<Cursor, Tally>;

export const runs = createDocumentStore<CatalogueState>({
  table: 'runs',
  state: runState(z.object({ shelf: z.int() }), z.object({ books: z.int(), torn: z.int() })),
});

const reads = [topics['discovery.run.v1'], topics['platform.job-command.v1']] as const;
const writes = [topics['discovery.run.v1'], topics['platform.job.v1']] as const;

export const GROUP = 'catalogue';
export const PAGES_MAX = 20;

type Emitted =
  | { readonly name: 'DiscoveryPageRequested'; readonly data: DiscoveryPageRequested }
  | { readonly name: 'DiscoveryRunEnded'; readonly data: DiscoveryRunEnded };

export type Catalogue = EffectProcessor<CatalogueState, typeof reads, typeof writes, Fetched<Shelf>>;

/** `readShelf` is the world outside. */
export function createCatalogue(readShelf: (shelf: number) => Promise<Shelf>): Catalogue {
  const run = createRun<Cursor, Shelf, Tally, Emitted>({
    group: GROUP,
    job: 'catalogue',
    pagesMax: PAGES_MAX,
    fetch: ({ shelf }, step) => step('shelf', () => readShelf(shelf)),
    read: (tally, { books, torn, isLast }, _at, _ctx) => ({
      tally: { books: tally.books + books, torn: tally.torn + torn },
      next: isLast ? null : { shelf: tally.books / 10 + 2 },
      emit: [],
    }),
    count: ({ books, torn }) => ({ done: books, refused: torn, total: null }),
    ask: (at, page, now) => emit('DiscoveryPageRequested', { ...at, page, requestedAt: now }),
    ended: (at, { outcome, pages, tally, error }, now) =>
      emit('DiscoveryRunEnded', { ...at, outcome, pages, done: tally.books, refused: tally.torn, error, endedAt: now }),
  });
  const start = { cursor: { shelf: 1 }, tally: { books: 0, torn: 0 } };
  const at = ({ orgId, jobId, owner }: { orgId: string; jobId: string; owner: string }) => ({
    orgId,
    runId: jobId,
    owner,
  });
  return {
    group: GROUP,
    reads,
    writes,
    store: runs,
    initial: () => initialRun,
    keyOf: ({ data }) => ('runId' in data ? data.runId : data.jobId),
    perform: {
      DiscoveryRunRequested: null,
      DiscoveryPageRequested: {
        deadlineMs: 5_000,
        call: (state, { data }, step) => run.fetch(state, data.page, step),
      },
      DiscoveryRunEnded: null,
      JobCancelRequested: null,
      JobRetryRequested: null,
    },
    decide: {
      DiscoveryRunRequested: (state, { data }, ctx) => run.begin(state, data, start, ctx),
      DiscoveryPageRequested: (state, { data }, ctx, result) => run.turn(state, data, { page: data.page, result }, ctx),
      DiscoveryRunEnded: () => ({ kind: 'skip', reason: 'own' }),
      JobCancelRequested: (state, { data }) => run.cancel(state, at(data)),
      JobRetryRequested: (state, { data }, ctx) => run.retry(state, at(data), ctx),
    },
    onExhausted: {
      DiscoveryPageRequested: (state, { data }, ctx) =>
        run.fail(state, data, data.page, 'the shelf cannot be reached', ctx),
    },
    inFlightMax: 4,
  };
}

export const requested = (run: string): TestEvent => ({
  name: 'DiscoveryRunRequested',
  id: sampleId('requested', run),
  version: 1,
  data: {
    orgId: sampleOrg,
    runId: sampleId(run),
    source: 'library',
    query: '{}',
    requestedBy: null,
    requestedAt: testNow,
  },
});

export const command = (name: 'JobCancelRequested' | 'JobRetryRequested', run: string, owner = GROUP): TestEvent => ({
  name,
  id: sampleId(name, run, owner),
  version: 1,
  data: { orgId: sampleOrg, jobId: sampleId(run), owner, requestedBy: null, requestedAt: testNow },
});
