/** The decisions about tasks on a database of their own, by the way that commands take; no broker. */
import { join } from 'node:path';
import { systemClock } from '@lead-flood/kernel';
import { createUntypedApplier, silentTelemetry, untyped } from '@lead-flood/processor';
import type { UntypedApplier } from '@lead-flood/processor';
import type { TestDatabase } from '@lead-flood/testing';
import { createTestDatabase, testCodec } from '@lead-flood/testing';
import type { Task } from '../src/task/domain/task.ts';
import { createCallAllocation } from '../src/task/processor.ts';

export async function openTasks(): Promise<{ test: TestDatabase; applier: UntypedApplier<Task> }> {
  const test = await createTestDatabase({
    schema: 'call_allocation',
    migrations: join(import.meta.dirname, '../migrations'),
  });
  const applier = createUntypedApplier(untyped(createCallAllocation({ retryMs: 0, chaseMs: 0, recallsMax: 3 })), {
    database: test.database,
    codec: await testCodec(),
    clock: systemClock,
    wakeRelay: () => undefined,
    telemetry: silentTelemetry,
  });
  return { test, applier };
}
