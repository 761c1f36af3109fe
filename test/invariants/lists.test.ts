/** The hand-kept lists of the judge against the contracts: a new topic or group is judged, or named with the reason why not. */
import { expect, it } from 'vitest';
import { topics } from '@lead-flood/contracts';
import type { TopicName } from '@lead-flood/contracts';
import { groups } from './groups.ts';
import { aggregates, unnumbered } from './key-order.ts';
import { traceless, traces } from './offsets.ts';

it('of topics by I3: each that carries events is judged, or named with the reason why not', () => {
  const judged = aggregates.flatMap(({ topics: counted }) => counted);
  const withEvents = (Object.keys(topics) as TopicName[]).filter((name) => topics[name].events.length > 0);
  expect([...judged, ...Object.keys(unnumbered)].toSorted()).toEqual(withEvents.toSorted());
});

it('of groups by I8: each leaves a row, or is named with who else would miss what it passed', () => {
  const judged = new Set(traces.map(({ group }) => group));
  expect([...judged, ...Object.keys(traceless)].toSorted()).toEqual(groups.map(({ name }) => name).toSorted());
});
