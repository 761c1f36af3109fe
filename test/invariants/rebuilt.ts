/**
 * I6. Analytics' documents are a function of the events: folded anew in memory, with the same decisions and the same version
 * guard, they must be what the table holds. In memory, because a judge writes nothing, not even a scratch database.
 */
import { createAnalytics } from '@lead-flood/analytics/projection';
import type { Stored } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';
import type { Untyped } from '@lead-flood/processor';
import { decodeRecord, decodingOf, untyped, fold, isPassed, isRefused, learnSchemas } from '@lead-flood/processor';
import { z } from 'zod';
import { groups } from './groups.ts';
import type { Invariant, Violation } from './invariant.ts';
import { finding } from './invariant.ts';
import type { World } from './world.ts';

const BATCH = 500;
type LeadDocument = Parameters<ReturnType<typeof createAnalytics>['decide']['LeadScored']>[0];

/** When something was processed differs from run to run. */
const TIME_IN_STATE = /At$|^at$|^latencyMs$/;

export const rebuilt: Invariant = {
  name: 'I6',
  sentence: 'A read model is a function of the distinct events: rebuilt from the topics it is the same.',
  atRest: true,
  async check(world) {
    const reads = groups.find((group) => group.name === 'analytics')?.reads ?? [];
    await world.wholeTopics(...reads);
    const processor = untyped(
      createAnalytics({
        applied: () => undefined,
        lastEventAt: () => null,
        projectionMs: () => null,
      }),
    );
    const expected = await foldTopics(world, processor, reads);
    const database = world.database('analytics');
    const keys = await database.anyFirst(sql.type(z.object({ key: z.string() }))`select key from lead_models`);
    const stored = new Set(keys);
    const violations: Violation[] = [...expected.keys()]
      .filter((key) => !stored.has(key))
      .map((id) => ({ id, what: 'is in the topics and not in lead_models' }));
    for (let start = 0; start < keys.length; start += BATCH) {
      const rows = await processor.store.load(database, keys.slice(start, start + BATCH));
      for (const [id, row] of rows) {
        const other = expected.get(id);
        if (other === undefined) violations.push({ id, what: 'is in lead_models and not in the topics' });
        else if (plain(row.state) !== plain(other.state))
          violations.push({ id, what: differsIn(row.state, other.state) });
      }
    }
    return finding(keys.length, violations, ['analytics alone: the other services also read rules, answers and time']);
  },
};

type Processor = Untyped<LeadDocument, undefined>;

async function foldTopics(
  world: World,
  processor: Processor,
  reads: readonly string[],
): Promise<Map<string, Stored<LeadDocument>>> {
  const states = new Map<string, Stored<LeadDocument>>();
  const decoding = decodingOf(processor, world.codec);
  for (const topic of reads) {
    const records = await world.records(topic);
    await learnSchemas(world.codec, records);
    const events = records.flatMap((record) => {
      const input = decodeRecord(decoding, record);
      return isRefused(input) || isPassed(input) ? [] : [input.event];
    });
    const inputs = events.map((event) => {
      const decide = processor.decide[event.name];
      return {
        event,
        placed: { key: processor.keyOf?.(event) ?? event.key, facts: undefined },
        guarded: true,
        decide: (state: never, ctx: Parameters<NonNullable<typeof decide>>[2]) => {
          if (decide === undefined) throw new Error(`no decision for ${event.name}`);
          return decide(state, event, ctx);
        },
      };
    });
    for (const save of fold(processor, world.codec, inputs, states, 0).saves) states.set(save.key, save);
  }
  return states;
}

const plain = (state: unknown): string => JSON.stringify(withoutTimes(JSON.parse(JSON.stringify(state))));

function withoutTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTimes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !TIME_IN_STATE.test(name) && name !== 'answered')
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, withoutTimes(inner)]),
  );
}

/** Names of fields only: their values may be somebody's name or address. */
function differsIn(stored: unknown, expected: unknown): string {
  const [a, b] = [stored, expected].map(
    (state) => withoutTimes(JSON.parse(JSON.stringify(state))) as Record<string, unknown>,
  );
  const names = [...new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])];
  const different = names.filter((name) => JSON.stringify(a?.[name]) !== JSON.stringify(b?.[name]));
  return `differs from the fold of the topics in ${different.join(', ')}`;
}
