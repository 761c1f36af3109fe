/** The deploy step: registers every schema under its subject. Running services never register, they only look up. */
import type { EventName } from '@lead-flood/contracts';
import { avroSchemas } from '@lead-flood/contracts';
import { subjectOf } from './codec.ts';
import { createRegistry } from './registry.ts';

/** Returns the id of each event's schema. Throws when the registry refuses one as incompatible. */
export async function registerSchemas(url: string): Promise<ReadonlyMap<EventName, number>> {
  const registry = createRegistry(url);
  const ids = new Map<EventName, number>();
  for (const name of Object.keys(avroSchemas) as EventName[])
    ids.set(name, await registry.register(subjectOf(name), avroSchemas[name]));
  return ids;
}
