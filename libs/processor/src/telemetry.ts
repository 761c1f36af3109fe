/** What the processor tells about itself; libs/service turns it into metrics and logs. Labels are bounded: never an id. */

export type Outcome = 'applied' | 'skipped' | 'duplicate' | 'rejected' | 'redelivered' | 'parked';

/** How an outside call ended: answered, to be tried later, or set aside. */
export type Performed = 'done' | 'later' | 'refused';

export type Telemetry = {
  readonly outcome: (group: string, topic: string, outcome: Outcome, reason: string) => void;
  /** `traceparents`: the chains that the messages belong to, where they name one. */
  readonly batch: (group: string, messages: number, durationMs: number, traceparents: readonly string[]) => void;
  /** One message was with the outside world. */
  readonly performed: (
    group: string,
    event: string,
    durationMs: number,
    result: Performed,
    traceparent: string,
  ) => void;
  readonly lag: (group: string, topic: string, partition: number, messages: number) => void;
  readonly inFlight: (group: string, messages: number) => void;
  readonly error: (group: string, error: Error, what: string) => void;
};

export const silentTelemetry: Telemetry = {
  outcome: () => undefined,
  batch: () => undefined,
  performed: () => undefined,
  lag: () => undefined,
  inFlight: () => undefined,
  error: () => undefined,
};
