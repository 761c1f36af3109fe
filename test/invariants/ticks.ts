/**
 * I13. Clocks as their topic tells them. A tick's id follows from its name and period, so that a second one of the same period
 * is somebody who ticks by other rules; what one clock wrote twice is I7's. A period may come late: its lease must first run out.
 */
import { clocks as clocksOfAnalytics } from '../../services/analytics/src/clock.ts';
import { clocks as clocksOfCalls } from '../../services/call-allocation/src/clock/processor.ts';
import { clocks as clocksOfGateway } from '../../services/ingest-gateway/src/jobs/processor.ts';
import type { Invariant, Violation } from './invariant.ts';
import { finding } from './invariant.ts';

/** The lease, the next look at it, and the way through outbox and relay. */
const LATE_MS = 30_000;
const clocks = [...clocksOfAnalytics, ...clocksOfCalls, ...clocksOfGateway];
const TOPIC = 'platform.tick.v1';

export const ticks: Invariant = {
  name: 'I13',
  sentence: 'A clock ticks once in a period, under one id, and passes over none in which somebody could have ticked.',
  atRest: true,
  async check(world) {
    const events = (await world.events(TOPIC)).flatMap((e) => (e.name === 'Ticked' ? [e] : []));
    const twice = [...Map.groupBy(events, ({ data }) => `${data.tick}:${data.period}`)]
      .filter(([, all]) => all.length > 1)
      .map(([id, all]) => ({ id, what: `ticked ${all.length} times, under ids of their own` }));
    const since = world.tickingSince;
    const passed =
      since === undefined ? [] : clocks.flatMap((clock) => passedOver(clock, periodsOf(events, clock), since));
    return finding(
      events.length,
      [...twice, ...passed],
      [since === undefined ? 'nobody says since when the clocks had to tick: gaps are not judged' : null],
    );
  },
};

const periodsOf = (
  events: readonly { readonly data: { readonly tick: string; readonly period: number } }[],
  { name }: { readonly name: string },
): ReadonlySet<number> => new Set(events.filter(({ data }) => data.tick === name).map(({ data }) => data.period));

/** From the first whole period to the last one that can be late no more. */
function passedOver(
  { name, everyMs }: (typeof clocks)[number],
  there: ReadonlySet<number>,
  since: number,
): readonly Violation[] {
  const first = Math.ceil(since / everyMs);
  const last = Math.floor((Date.now() - LATE_MS) / everyMs);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i)
    .filter((period) => !there.has(period))
    .map((period) => ({ id: `${name}:${period}`, what: 'was passed over' }));
}
