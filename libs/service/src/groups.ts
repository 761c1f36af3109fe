/**
 * Which of a service's consumer groups this process runs: all, those that `GROUPS` names, or none, so that each can be
 * scaled apart, and what answers requests apart from what works.
 */
import { CodedError } from '@lead-flood/kernel';
import type { Startable } from '@lead-flood/processor';

/** Throws SVC_ERR_CONFIG for a name that is no group of the service: a process that runs nothing would look healthy. */
export function chooseGroups(all: readonly Startable[], wanted: readonly string[]): readonly Startable[] {
  if (wanted.length === 0) return all;
  if (wanted.length === 1 && wanted[0] === 'none') return [];
  const names = all.map(({ group }) => group);
  const unknown = wanted.filter((name) => !names.includes(name));
  if (unknown.length > 0)
    throw new CodedError(
      'SVC_ERR_CONFIG',
      `GROUPS names ${unknown.join(', ')}; this service has ${names.join(', ') || 'none'}`,
    );
  return all.filter(({ group }) => wanted.includes(group));
}
