/**
 * What the three shells have in common: what they are given, what they give back, how they wait and how they fetch.
 *
 *   batch-shell.ts    changes only our own database     effect-runner.ts   asks the outside world first
 *   raw-shell.ts      keeps records as they are
 */
import type { Codec, KafkaClient } from '@lead-flood/kafka';
import type { Clock } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import type { Telemetry } from './telemetry.ts';

export type ShellOptions = {
  /** Most messages in one transaction. */
  readonly batchMessagesMax: number;
  /** Most time between two fetches while batches are small; see gather-window.ts. */
  readonly gatherMs: number;
  readonly sessionTimeoutMs: number;
};

export const shellDefaults: ShellOptions = {
  // Beyond it nothing is gained, and a rollback repeats as many.
  batchMessagesMax: 1_000,
  // Latency on a line with a few hundred messages a second, for half of its processor time.
  gatherMs: 40,
  // So long a killed owner's partitions stand still; less would take a stalled event loop for a dead process.
  sessionTimeoutMs: 10_000,
};

/** An idle group asks once a second; a message comes at once all the same. */
export const fetchWaitMs = 1_000;

export type ShellDeps = {
  readonly client: KafkaClient;
  readonly codec: Codec;
  readonly database: Database;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  /** Called after a commit that wrote to the outbox. */
  readonly wakeRelay: () => void;
  readonly onFatal: (error: Error) => void;
  /** Put before every topic name; tests share one broker. */
  readonly topicPrefix?: string;
};

/** Why a group stands still until a human has looked; null while it goes on. */
export type Status = {
  halted: string | null;
  /** Milliseconds since 1970 of the first fault since something was last done; null while all goes well. */
  failingSince: number | null;
};

export const goingWell = (): Status => ({ halted: null, failingSince: null });

export type Running = {
  /** Milliseconds since 1970 of the last sign of life of the fetch loop. */
  readonly lastSeenAt: () => number;
  readonly halted: () => string | null;
  /** Since when it has repeated without getting on; see `Status`. */
  readonly failingSince: () => number | null;
  readonly stop: () => Promise<void>;
};
