/** Which task an offer is about: found before the decision, in its transaction, one caller after the other. */
import { isId } from '@lead-flood/kernel';
import type { Queries } from '@lead-flood/postgres';
import { parkedKeysOf } from '@lead-flood/postgres';
import { readCallers } from '../caller/store.ts';
import { openAreas } from './calling-area.ts';
import { busyCallers, matchingTasks } from './matching.ts';

/** Candidates looked at for one offer: a task whose key is set aside is passed over. */
const CANDIDATES = 10;

export type Offer = { readonly id: string; readonly orgId: string; readonly callerId: string };

/** The best task of each offer's caller by the offer's id; none for callers who hold one, are not active, or fit nothing. */
export async function tasksToOffer(
  tx: Queries,
  group: string,
  offers: readonly Offer[],
  now: number,
): Promise<ReadonlyMap<string, string>> {
  const callerIds = offers.map(({ callerId }) => callerId).filter(isId);
  const found = new Map<string, string>();
  if (callerIds.length === 0) return found;
  const callers = await readCallers(tx, callerIds);
  const busy = new Set(await busyCallers(tx, callerIds));
  const open = await openAreas(tx, now);
  for (const { id, orgId, callerId } of offers) {
    const row = callers.get(callerId);
    if (row?.orgId !== orgId || row.caller.allocationStatus !== 'ACTIVE' || busy.has(callerId)) continue;
    const keys = await matchingTasks(tx, orgId, row.caller, open, CANDIDATES, [...found.values()]);
    const parked = await parkedKeysOf(tx, group, keys);
    const best = keys.find((key) => !parked.has(key));
    if (best === undefined) continue;
    found.set(id, best);
    busy.add(callerId);
  }
  return found;
}
