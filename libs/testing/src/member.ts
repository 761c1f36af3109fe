/**
 * One member of a consumer group, as a process of its own would be: it can be stopped, and it can be frozen, which is what
 * SIGSTOP or a long pause does to a process. A frozen member gives no sign of life, so the group gives its partitions to
 * another; no transaction of its goes beyond the beginning. Woken, it goes on as if nothing had happened.
 */
import type { KafkaClient } from '@lead-flood/kafka';
import type { FaultHook } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import type { Running, ShellDeps, Startable } from '@lead-flood/processor';
import { createFaultScope } from './fault-scope.ts';

export type Member = {
  /** From the next fetch on. */
  readonly freeze: () => void;
  readonly wake: () => void;
  readonly onFault: (hook: FaultHook | null) => void;
  readonly stop: () => Promise<void>;
};

/** The broker of the tests allows a second; with less the members of a busy machine would lose each other. */
const SESSION_MS = 2_000;

type Gate = { closed: PromiseWithResolvers<undefined> | null };

export async function startMember(starter: Startable, deps: ShellDeps): Promise<Member> {
  const gate: Gate = { closed: null };
  const scope = createFaultScope();
  const running: Running = await scope.run(() =>
    starter.start({ ...deps, client: mortal(deps.client, gate), database: mortalDatabase(deps.database, gate) }),
  );
  const wake = (): void => {
    gate.closed?.resolve(undefined);
    gate.closed = null;
  };
  return {
    wake,
    freeze: () => {
      gate.closed ??= Promise.withResolvers();
    },
    onFault: scope.onFault,
    stop: () => {
      wake();
      return running.stop();
    },
  };
}

/** The same client, whose consumers are missed early and fall silent while the gate is closed. */
function mortal(client: KafkaClient, gate: Gate): KafkaClient {
  const own = Object.create(client) as KafkaClient;
  own.consumer = (config) => {
    const consumer = client.consumer({ ...config, sessionTimeout: SESSION_MS, heartbeatInterval: SESSION_MS / 8 });
    const { run } = consumer;
    consumer.run = (options) => {
      const eachBatch = options?.eachBatch;
      if (eachBatch === undefined) return run(options);
      return run({
        ...options,
        eachBatch: async (payload) => {
          await eachBatch({
            ...payload,
            heartbeat: () => (gate.closed === null ? payload.heartbeat() : Promise.resolve()),
          });
          await gate.closed?.promise;
        },
      });
    };
    return consumer;
  };
  return own;
}

const mortalDatabase = (database: Database, gate: Gate): Database => ({
  ...database,
  transaction: (body) =>
    database.transaction(async (tx) => {
      await gate.closed?.promise;
      return body(tx);
    }),
});
