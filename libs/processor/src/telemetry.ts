/** What the processor tells about itself; libs/service turns it into metrics and logs. Labels are bounded: never an id. */

export type Outcome = 'applied' | 'skipped' | 'duplicate' | 'rejected' | 'redelivered';

export type Telemetry = {
  readonly outcome: (group: string, topic: string, outcome: Outcome, reason: string) => void;
  readonly batch: (group: string, messages: number, durationMs: number) => void;
  readonly lag: (group: string, topic: string, partition: number, messages: number) => void;
  readonly inFlight: (group: string, messages: number) => void;
  readonly error: (group: string, error: Error, what: string) => void;
};

export const silentTelemetry: Telemetry = {
  outcome: () => undefined,
  batch: () => undefined,
  lag: () => undefined,
  inFlight: () => undefined,
  error: () => undefined,
};
