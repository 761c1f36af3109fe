/**
 * One process's life on a log in memory and a real database: the real shell, relay, producer and consumer. When it dies it
 * is dead: nothing of it writes any more, and its connections are to be gone before the next one starts.
 */
import type { Codec } from '@lead-flood/kafka';
import { createProducer } from '@lead-flood/kafka';
import type { FaultHook } from '@lead-flood/kernel';
import { systemClock } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import { startRelay } from '@lead-flood/postgres';
import type { ApplierDeps, Startable } from '@lead-flood/processor';
import { silentTelemetry } from '@lead-flood/processor';
import { createFaultScope } from './fault-scope.ts';
import type { MemoryBroker } from './memory-broker.ts';

export type Replica = {
  /** What a door of this process is made of. */
  readonly door: ApplierDeps;
  /** Runs where the process's fault points are. */
  readonly run: <T>(work: () => T) => T;
  /** What ended it, beside a hook that throws. */
  readonly fatal: () => Error | null;
  /** What it complained about and went on. */
  readonly errors: readonly Error[];
  readonly stop: () => Promise<void>;
};

export type ReplicaAt = {
  readonly database: Database;
  readonly schema: string;
  readonly codec: Codec;
  readonly broker: MemoryBroker;
  readonly hook: FaultHook | null;
};

export async function startReplica(starter: Startable | null, at: ReplicaAt): Promise<Replica> {
  const { database, schema, codec, broker } = at;
  const client = broker.client();
  const producer = await createProducer(client);
  const scope = createFaultScope();
  scope.onFault(at.hook);
  const errors: Error[] = [];
  const died: { of: Error | null } = { of: null };
  const relay = scope.run(() =>
    startRelay({ database, schema, publish: producer.send, onError: (error) => void errors.push(error) }),
  );
  const door = { database, codec, clock: systemClock, wakeRelay: relay.wake, telemetry: silentTelemetry };
  const running = await scope.run(() =>
    starter?.start({
      ...door,
      client,
      telemetry: { ...silentTelemetry, error: (_group, error) => void errors.push(error) },
      onFatal: (error) => {
        died.of ??= error;
      },
    }),
  );
  return {
    door,
    errors,
    run: scope.run,
    fatal: () => died.of,
    stop: async () => {
      await running?.stop();
      await relay.stop();
      await producer.stop();
    },
  };
}
