/** Everything that the doctor looks at, as plain data: what `collectFacts` finds and `diagnose` judges. */
import { z } from 'zod';
import type { ServiceStatus } from '../status.ts';

export const serverNames = ['postgres', 'kafka', 'registry', 'redis'] as const;
export type ServerName = (typeof serverNames)[number];

export type ServerFacts = {
  readonly name: ServerName;
  readonly address: string;
  /** `unasked`: nobody said where it is. */
  readonly state: 'ok' | 'away' | 'unasked';
  readonly detail: string;
};

/** `status` is null when the process gave no answer. */
export type ServiceFacts = { readonly service: string; readonly status: ServiceStatus | null; readonly detail: string };

export type PartitionFacts = {
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: number;
  readonly end: number;
  readonly lag: number;
  /** A moment earlier. */
  readonly lagBefore: number;
  readonly moved: boolean;
  /** Of the oldest unprocessed message; null when it was not read. */
  readonly oldest: { readonly key: string | null; readonly ageSeconds: number } | null;
};

export type GroupFacts = {
  readonly group: string;
  readonly schema: string;
  /** Null: the broker did not say. */
  readonly members: number | null;
  /** Those with lag only. */
  readonly behind: readonly PartitionFacts[];
};

export type BackendFacts = {
  readonly application: string;
  readonly pid: number;
  readonly state: string;
  readonly ageSeconds: number;
};

export type SchemaFacts = {
  readonly schema: string;
  readonly outbox: {
    readonly backlog: number;
    readonly oldestSeconds: number;
    /** Of the backlog, those that an open transaction hides from the relay. */
    readonly heldBack: number;
  };
  /** Who holds the relay's lock; null: nobody publishes. */
  readonly relay: BackendFacts | null;
  readonly timers: { readonly overdue: number; readonly oldestSeconds: number };
  readonly redeliveries: Readonly<Record<string, number>>;
  /** Since each clock of the service was last written; empty where it runs none. */
  readonly ticks: readonly { readonly tick: string; readonly ageSeconds: number }[];
  readonly parked: readonly { readonly group: string; readonly keys: number; readonly messages: number }[];
};

export type Facts = {
  readonly at: string;
  readonly servers: readonly ServerFacts[];
  readonly services: readonly ServiceFacts[];
  readonly groups: readonly GroupFacts[];
  readonly schemas: readonly SchemaFacts[];
  /** The transaction with a number of its own that is open for longest: what it is older than cannot be published. */
  readonly oldestTransaction: BackendFacts | null;
  /** Questions that got no answer though the server is there. */
  readonly unanswered: readonly string[];
};

const fault = z.object({ code: z.string(), what: z.string(), at: z.string(), times: z.int() });

/** Checked where it comes from another process. */
export const serviceStatus: z.ZodType<ServiceStatus> = z.object({
  service: z.string(),
  schema: z.string(),
  startedAt: z.string(),
  ready: z.boolean(),
  waitingFor: z.string().nullable(),
  checks: z.record(z.string(), z.string()),
  processors: z.array(
    z.object({
      group: z.string(),
      topics: z.array(z.string()),
      lastSeenAt: z.string(),
      halted: z.string().nullable(),
      inFlight: z.int(),
      faults: z.array(fault),
    }),
  ),
  relay: z.object({ publishedAt: z.string().nullable(), faults: z.array(fault) }),
  breakers: z.record(z.string(), z.string()),
});
