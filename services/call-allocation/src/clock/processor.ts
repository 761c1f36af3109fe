/**
 * What call-allocation does by the clock (X-SC-03): on its tick every active caller without a task is offered one,
 * each by a command of its own, so that what goes wrong with one caller is that caller's alone. Ticks of a clock lie in
 * one partition: the next one waits until this one is done.
 */
import type { OfferTask, Ticked } from '@lead-flood/contracts';
import { topics } from '@lead-flood/contracts';
import { apply, skip, systemClock } from '@lead-flood/kernel';
import type { Clock, Decision } from '@lead-flood/kernel';
import type { Tick } from '@lead-flood/postgres';
import { emit, tickReader } from '@lead-flood/processor';
import type { BatchProcessor, HeardTick, tickReads } from '@lead-flood/processor';
import type { FreeCaller } from '../task/matching.ts';
import { freeCallers } from '../task/matching.ts';

const OFFERS = 'call-allocation.offers';
/** X-SC-03: of the replicas the one that holds the lease writes it. */
export const clocks: readonly Tick[] = [{ name: OFFERS, everyMs: 60_000 }];
/** After a longer absence the ticks that have waited are passed: the next one does what they would have done. */
const LATE_MS = 5 * 60_000;

const writes = [topics['call-allocation.offer.v1']] as const;

type Facts = { readonly callers: readonly FreeCaller[] };

export type CallClock = BatchProcessor<HeardTick, typeof tickReads, typeof writes, Facts>;

type ClockOptions = { readonly isOffering: boolean; readonly clock?: Clock };

/** With `isOffering` false callers ask for themselves; the ticks are passed all the same. */
export const createClock = ({ isOffering, clock = systemClock }: ClockOptions): CallClock => ({
  group: 'call-allocation-clock',
  ...tickReader,
  writes,
  facts: async (tx, inputs) => {
    const isDue = isOffering && inputs.some(({ data }) => data.tick === OFFERS);
    const callers = isDue ? await freeCallers(tx, clock.now()) : [];
    return inputs.map(({ data }) => ({ callers: data.tick === OFFERS ? callers : [] }));
  },
  decide: { Ticked: (_state, { data }, ctx) => offerToAll(data, ctx.facts, ctx.now) },
});

type Offered = { readonly name: 'OfferTask'; readonly data: OfferTask };

function offerToAll({ tick, period, dueAt }: Ticked, { callers }: Facts, now: number): Decision<HeardTick, Offered> {
  if (now - dueAt > LATE_MS) return skip('overdue');
  return apply(
    { tick, period, dueAt },
    callers.map(({ orgId, callerId }) => emit('OfferTask', { orgId, callerId, offeredAt: dueAt })),
  );
}
