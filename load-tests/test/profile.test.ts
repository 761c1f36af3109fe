/** From what V8's profiler writes to time by move and to the picture; the measuring itself is `npm run bench -- profile`. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readCpuProfile } from '../src/profile/cpu-profile.ts';
import { flameGraph } from '../src/profile/flame-graph.ts';
import { byMove, moveOf } from '../src/profile/moves.ts';

const node = (id: number, functionName: string, url: string, children: number[] = []) => ({
  id,
  callFrame: { functionName, url, lineNumber: 1 },
  children,
});

const source = 'file:///srv/lead-flood/';
const nodes = [
  node(1, '(root)', '', [2, 3, 4]),
  node(2, '(idle)', ''),
  node(3, '(garbage collector)', ''),
  node(4, 'commitBatch', `${source}libs/processor/src/batch.ts`, [5, 8]),
  node(5, 'query', `${source}node_modules/pg/lib/client.js`, [6]),
  // What Node does for the driver is the driver's.
  node(6, 'writev', ''),
  node(8, 'toString', `${source}services/scoring/src/<rules> & "more".ts`),
];

/** A sample stands for the time until the next one: 1 ms each. */
function profile(samples: number[], window = { fromUs: 0, untilUs: Number.POSITIVE_INFINITY }) {
  const path = join(mkdtempSync(join(tmpdir(), 'lead-flood-profile-')), 'one.cpuprofile');
  writeFileSync(path, JSON.stringify({ nodes, startTime: 0, samples, timeDeltas: samples.map(() => 1_000) }));
  return readCpuProfile(path, window);
}

describe('time by move', () => {
  it('goes to the innermost frame that a rule knows, and idle time to none', () => {
    const found = byMove(profile([2, 2, 4, 5, 6, 6, 3, 8, 2]));
    expect(Object.fromEntries(found)).toEqual({
      'batch: decode, fold, encode': 1,
      'Postgres: pg': 3,
      'garbage collection': 1,
      'the service itself': 1,
    });
  });

  it('takes the samples of the window alone', () => {
    const samples = [4, 4, 5, 5, 5, 8, 8];
    expect(Object.fromEntries(byMove(profile(samples, { fromUs: 3_000, untilUs: 6_000 })))).toEqual({
      'Postgres: pg': 3,
    });
  });

  it.each([
    ['libs/postgres/src/relay.ts', 'relay'],
    ['libs/postgres/src/document-store.ts', 'Postgres: ours (arrays, outbox, documents)'],
    ['libs/processor/src/effect-queue.ts', 'shells'],
    ['node_modules/@slonik/sql-tag/dist/index.js', 'Postgres: slonik'],
    ['node_modules/kafkajs/src/index.js', 'Kafka: kafkajs'],
    ['node_modules/liquidjs/dist/liquid.node.js', 'other packages'],
  ])('%s is %s', (path, move) => {
    expect(moveOf({ name: 'f', url: source + path })).toBe(move);
  });

  it('knows no function by a name that every object has', () => {
    expect(moveOf({ name: 'constructor', url: '' })).toBeNull();
  });
});

describe('the picture', () => {
  const picture = flameGraph('scoring & co', profile([4, 5, 5, 6, 2, 2, 2, 8]));
  const widths = Object.fromEntries(
    [...picture.matchAll(/<title>([^ :]+).*?width="([\d.]+)"/g)].map(([, name = '', width]) => [name, Number(width)]),
  );

  it('gives each frame the width of its time with all that it called, without what is idle', () => {
    // 4 ms of work: the last sample has no end.
    expect(widths).toEqual({ '(root)': 1_600, commitBatch: 1_600, query: 1_200, writev: 400 });
    expect(picture).toContain('scoring &amp; co: 4 ms of work');
  });

  it('is a document that every browser reads, whatever the names are', () => {
    const shown = flameGraph('t', profile([8, 8]));
    expect(shown).toContain('&lt;rules&gt; &amp; &quot;more&quot;');
    expect(shown.match(/<g>/g)).toHaveLength(shown.match(/<\/g>/g)?.length ?? 0);
    expect(shown.trimEnd().endsWith('</svg>')).toBe(true);
  });
});
