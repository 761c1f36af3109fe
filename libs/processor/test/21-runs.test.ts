/**
 * Chapter 21: runs.
 *
 * One message is one short piece of work. A search over four hundred pages is four hundred messages: the run asks itself
 * for the next page when it has understood the last one, and between any two of them it may be cancelled, its process may
 * die, or another replica may go on. `createRun` gives the rows of such a processor's tables (example-run.ts shows all of
 * them); what is the run's own is how a page is fetched, what it means, and what is told of the end.
 *
 * A run is a job: each of its changes is `JobChanged`, and `JobCancelRequested` and `JobRetryRequested` are for it where
 * they name its group as owner.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JobChanged } from '@lead-flood/contracts';
import { TransientError } from '@lead-flood/kernel';
import { effectProcessor } from '@lead-flood/processor';
import type { Fetched } from '@lead-flood/processor';
import { callOutside, crashPoints, createLine, eventually, sampleId, specifyEffect } from '@lead-flood/testing';
import type { Line, OutsideWorld } from '@lead-flood/testing';
import { at } from './example.ts';
import type { Catalogue, CatalogueState, Shelf } from './example-run.ts';
import { command, createCatalogue, PAGES_MAX, requested, runs } from './example-run.ts';

const SHELVES = 4;
const shelfOf = (shelf: number): Shelf => ({ books: 10, torn: shelf % 2, isLast: shelf === SHELVES });
const runId = sampleId('run');

describe('a run', () => {
  let line: Line;
  let asked: number[];
  let gate: (shelf: number) => Promise<void>;
  beforeEach(async () => {
    asked = [];
    gate = () => Promise.resolve();
    const readShelf = async (shelf: number): Promise<Shelf> => {
      asked.push(shelf);
      await gate(shelf);
      return shelfOf(shelf);
    };
    line = await createLine(effectProcessor(createCatalogue(readShelf), [1, 1, 1]), at);
    await line.start();
  });
  afterEach(() => line.close());

  const stateOf = async (): Promise<CatalogueState | undefined> =>
    (await runs.load(line.database, [runId])).get(runId)?.state;
  const ended = (): Promise<unknown> => eventually('the run to end', async () => (await stateOf())?.kind === 'ended');
  const jobs = async () =>
    (await line.events('platform.job.v1')).flatMap((event) =>
      event.name === 'JobChanged' ? [event.data as JobChanged] : [],
    );

  it('asks for one page a message, and tells as a job how far it is', async () => {
    await line.publish(requested('run'));
    await ended();
    await line.caughtUp();
    expect(asked).toEqual([1, 2, 3, 4]);
    const told = await jobs();
    expect(told.map(({ status, done, refused }) => [status, done, refused])).toEqual([
      ['running', 0, 0],
      ['running', 10, 1],
      ['running', 20, 1],
      ['running', 30, 2],
      ['completed', 40, 2],
    ]);
    expect(told[0]).toMatchObject({ jobId: runId, type: 'catalogue', owner: 'catalogue', attempts: 1, total: null });
    const events = await line.events('discovery.run.v1');
    expect(events.at(-1)).toMatchObject({
      name: 'DiscoveryRunEnded',
      data: { outcome: 'completed', pages: 4, done: 40 },
    });
  });

  it('is cancelled between two pages: the one under way counts, no other is fetched', async () => {
    const second = Promise.withResolvers<void>();
    gate = (shelf) => (shelf === 2 ? second.promise : Promise.resolve());
    await line.publish(requested('run'));
    await eventually('the second shelf to be read', () => asked.length === 2);
    await line.publish(command('JobCancelRequested', 'run'));
    second.resolve();
    await ended();
    await line.caughtUp();
    expect(asked).toEqual([1, 2]);
    expect(await stateOf()).toMatchObject({ outcome: 'cancelled', tally: { books: 20 } });
    expect((await jobs()).at(-1)).toMatchObject({ status: 'cancelled', done: 20, retryable: false });
  });

  it('whose page fails for good has failed with its reason, and goes on from that page when it is tried again', async () => {
    let isAway = true;
    gate = (shelf) =>
      shelf === 3 && isAway
        ? Promise.reject(new TransientError('PRV_ERR_UNAVAILABLE', 'the library is shut'))
        : Promise.resolve();
    await line.publish(requested('run'));
    await eventually('the run to have failed', async () => (await jobs()).at(-1)?.status === 'failed');
    expect((await jobs()).at(-1)).toMatchObject({ status: 'failed', done: 20, retryable: true, attempts: 1 });
    expect(await stateOf()).toMatchObject({ outcome: 'failed', error: 'the shelf cannot be reached' });
    isAway = false;
    const before = asked.length;
    await line.publish(command('JobRetryRequested', 'run'));
    await eventually('the run to be done', async () => (await jobs()).at(-1)?.status === 'completed');
    expect(asked.slice(before)).toEqual([3, 4]);
    expect((await jobs()).at(-1)).toMatchObject({ done: 40, attempts: 2 });
  });
});

describe('its decisions', () => {
  const running: CatalogueState = {
    kind: 'running',
    page: 2,
    cursor: { shelf: 2 },
    tally: { books: 10, torn: 1 },
    isCancelled: false,
    attempts: 1,
  };
  const run = specifyEffect<CatalogueState, Catalogue['reads'], Catalogue['writes'], Fetched<Shelf>, undefined>(
    createCatalogue(() => Promise.reject(new Error('never'))),
    undefined,
  );
  const page = (n: number) => ({ orgId: '', runId, page: n, requestedAt: 0 });
  const cancel = command('JobCancelRequested', 'run', 'another-group');

  it('a page that is asked for twice is read once', () => {
    run
      .given(running)
      .when('DiscoveryPageRequested', page(1), { result: { page: shelfOf(1) } })
      .thenSkips('overtaken');
    run
      .given(running)
      .when('DiscoveryPageRequested', page(3), { result: { page: null } })
      .thenSkips('overtaken');
  });

  it('a cancelled one ends with the next message, without a page', () => {
    run
      .given({ ...running, isCancelled: true })
      .when('DiscoveryPageRequested', page(2), { result: { page: null } })
      .thenState({ kind: 'ended', outcome: 'cancelled' })
      .thenEmits(
        { name: 'DiscoveryRunEnded', data: { outcome: 'cancelled', pages: 1, done: 10 } },
        { name: 'JobChanged', data: { status: 'cancelled', done: 10 } },
      );
  });

  it('one that finds no end is ended', () => {
    run
      .given({ ...running, page: PAGES_MAX })
      .when('DiscoveryPageRequested', page(PAGES_MAX), { result: { page: shelfOf(1) } })
      .thenState({ kind: 'ended', outcome: 'failed', error: `no end after ${PAGES_MAX} pages` });
  });

  it('what is meant for the jobs of others is passed over', () => {
    if (cancel.name !== 'JobCancelRequested') throw new Error('a cancellation');
    run.given(running).when('JobCancelRequested', cancel.data).thenSkips('not_ours');
  });

  it('only what failed is tried again, only what runs is cancelled', () => {
    const mine = { orgId: '', jobId: runId, owner: 'catalogue', requestedBy: null, requestedAt: 0 };
    run.given(running).when('JobRetryRequested', mine).thenSkips('not_failed');
    run.given({ kind: 'none' }).when('JobCancelRequested', mine).thenSkips('not_running');
  });
});

/** Killed between any two of its pages, and at every other place; another run is cancelled meanwhile. */
crashPoints('a run', {
  ...at,
  create: () => {
    const world: OutsideWorld = { calls: [], repeatable: true };
    const readShelf = (shelf: number): Promise<Shelf> => callOutside(world, `shelf ${shelf}`, () => shelfOf(shelf));
    return {
      world,
      starter: effectProcessor(createCatalogue(readShelf), [1, 1, 1]),
      isDone: async (database) => {
        const [first] = (await runs.load(database, [runId])).values();
        return first?.state.kind === 'ended';
      },
    };
  },
  inputs: [requested('run')],
});
