/** Not a chapter: where an effect runner that gives up its partitions leaves the consumer. */
import { expect, it } from 'vitest';
import type { Owned } from '../src/ownership.ts';
import type { ShellDeps } from '../src/shell.ts';
import { createLifecycle } from '../src/effect-lifecycle.ts';
import { createPartitions } from '../src/effect-partitions.ts';
import { createKeyQueue } from '../src/effect-queue.ts';
import { silentTelemetry } from '../src/telemetry.ts';

it('what is forgotten comes again also where no new assignment follows, as after a connection that broke', async () => {
  const place: Owned = { epoch: 1, nextOffset: 40, finished: new Set(), generation: 1 };
  const sought: unknown[] = [];
  const ownership = {
    admit: () => Promise.resolve([place]),
    begin: () => Promise.resolve(),
    holds: () => true,
    forget: () => undefined,
  };
  // Nothing is decoded here, and nothing asked of the database.
  const deps = { codec: { events: new Map() }, telemetry: silentTelemetry } as unknown as ShellDeps;
  const partitions = createPartitions({ group: 'appraise', reads: [], decide: {} }, deps, {
    ownership,
    queue: createKeyQueue(),
    lifecycle: createLifecycle(() => undefined),
    consumer: () => ({ seek: (topic, partition, offset) => sought.push([topic, partition, offset]) }),
    isUnderWay: () => false,
  });
  await partitions.admit([
    { topic: 'leads', partition: 3, generation: 1, records: [], highWatermark: 90, leaving: () => false },
  ]);
  partitions.forget();
  expect(sought).toEqual([['leads', 3, 40]]);
});
