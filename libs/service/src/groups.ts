/** Which of a service's consumer groups this process runs: all, or those that `GROUPS` names, so that each can be scaled. */
import { CodedError } from '@lead-flood/kernel';
import type { Startable } from '@lead-flood/processor';

/** Throws SVC_ERR_CONFIG for a name that is no group of the service: a process that runs nothing would look healthy. */
export function chooseGroups(all: readonly Startable[], wanted: readonly string[]): readonly Startable[] {
  if (wanted.length === 0) return all;
  const names = all.map(({ group }) => group);
  const unknown = wanted.filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new CodedError(
      'SVC_ERR_CONFIG',
      `GROUPS names ${unknown.join(', ')}; this service has ${names.join(', ') || 'none'}`,
    );
  return all.filter(({ group }) => wanted.includes(group));
}
