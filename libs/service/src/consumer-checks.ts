/** What `/ready` asks of a service's consumer groups: not stopped, getting on, heard of. */
import type { Running, Startable } from '@lead-flood/processor';
import type { Check } from './health.ts';

type Started = readonly { readonly startable: Pick<Startable, 'group'>; readonly running: Running }[];

/** Half a session: a fetch on a quiet line takes a second, so a consumer that is longer silent has no broker. */
const SILENT_MS = 5_000;
/** As long a restart of a server may take; a group that stands for longer is somebody's work. */
export const STALL_MS = 60_000;

export const consumerChecks = (started: () => Started, now: () => number = Date.now): readonly Check[] => [
  {
    name: 'consumers',
    run: () => {
      const halted = started().find(({ running }) => running.halted() !== null);
      if (halted !== undefined) throw failed('halted', halted.running.halted() ?? '');
    },
  },
  {
    // Repeating without getting on: whatever the reason is, what is behind it waits.
    name: 'progress',
    run: () => {
      const standing = started().find(({ running }) => now() - (running.failingSince() ?? now()) > STALL_MS);
      if (standing !== undefined)
        throw failed('no progress', `${standing.startable.group} repeats and does not get on`);
    },
  },
  {
    name: 'kafka',
    run: () => {
      if (started().some(({ running }) => now() - running.lastSeenAt() > SILENT_MS))
        throw failed('no sign of life', 'no sign of life');
    },
    advisory: true,
  },
];

const failed = (code: string, message: string): Error => Object.assign(new Error(message), { code });
