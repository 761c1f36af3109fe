/** What a process knows of itself and nobody else can see: its consumers, the last faults by code, its relay, its breakers. */
import type { Running, Startable, Telemetry } from '@lead-flood/processor';

export type Fault = { readonly code: string; readonly what: string; readonly at: string; readonly times: number };

export type ProcessorStatus = {
  readonly group: string;
  readonly topics: readonly string[];
  readonly lastSeenAt: string;
  readonly halted: string | null;
  readonly inFlight: number;
  /** Newest first, one a code. */
  readonly faults: readonly Fault[];
};

export type ServiceStatus = {
  readonly service: string;
  readonly schema: string;
  readonly startedAt: string;
  readonly ready: boolean;
  /** What the start waits for; null once it is over. */
  readonly waitingFor: string | null;
  readonly checks: Readonly<Record<string, string>>;
  readonly processors: readonly ProcessorStatus[];
  readonly relay: { readonly publishedAt: string | null; readonly faults: readonly Fault[] };
  readonly breakers: Readonly<Record<string, string>>;
};

export type StatusBoard = {
  /** The same telemetry, read along. */
  readonly watch: (telemetry: Telemetry) => Telemetry;
  readonly published: () => void;
  readonly processor: (startable: Pick<Startable, 'group' | 'topics'>, running: Running) => ProcessorStatus;
  readonly relay: () => ServiceStatus['relay'];
};

/** Codes are few; a foreign error's name could be anything. */
const CODES_MAX = 20;
export const RELAY = 'relay';

type Counted = { code: string; what: string; at: number; times: number };

export function createStatusBoard(now: () => number = Date.now): StatusBoard {
  const faults = new Map<string, Map<string, Counted>>();
  const inFlight = new Map<string, number>();
  let publishedAt: number | null = null;

  const note = (group: string, error: Error, what: string): void => {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
    const ofGroup = faults.get(group) ?? new Map<string, Counted>();
    faults.set(group, ofGroup);
    const times = (ofGroup.get(code)?.times ?? 0) + 1;
    if (times === 1 && ofGroup.size === CODES_MAX) return;
    ofGroup.set(code, { code, what, at: now(), times });
  };
  const faultsOf = (group: string): Fault[] =>
    [...(faults.get(group)?.values() ?? [])]
      .toSorted((a, b) => b.at - a.at)
      .map((fault) => ({ ...fault, at: iso(fault.at) }));

  return {
    watch: (telemetry) => ({
      ...telemetry,
      inFlight: (group, messages) => {
        inFlight.set(group, messages);
        telemetry.inFlight(group, messages);
      },
      error: (group, error, what) => {
        note(group, error, what);
        telemetry.error(group, error, what);
      },
    }),
    published: () => {
      publishedAt = now();
    },
    processor: ({ group, topics = [] }, running) => ({
      group,
      topics,
      lastSeenAt: iso(running.lastSeenAt()),
      halted: running.halted(),
      inFlight: inFlight.get(group) ?? 0,
      faults: faultsOf(group),
    }),
    relay: () => ({ publishedAt: publishedAt === null ? null : iso(publishedAt), faults: faultsOf(RELAY) }),
  };
}

const iso = (at: number): string => new Date(at).toISOString();
