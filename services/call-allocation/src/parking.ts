/** Keys that call-allocation has set aside, and the way back for them. Of one organisation; foreign keys are not there. */
import { CodedError, systemClock } from '@lead-flood/kernel';
import { listParked, readParked } from '@lead-flood/postgres';
import type { Drained, Erased } from '@lead-flood/processor';
import { drainKey } from '@lead-flood/processor';
import type { ServiceDeps } from '@lead-flood/service';

export type ParkedView = {
  readonly items: { group: string; key: string; messages: number; code: string | null; since: string }[];
};

export type Parking = {
  readonly list: (orgId: string, limit: number) => Promise<ParkedView>;
  /** Throws CAL_ERR_NOT_PARKED. */
  readonly drain: (
    orgId: string,
    asked: { readonly group: string; readonly key: string; readonly dropFirst: boolean },
  ) => Promise<Drained>;
};

export type ParkingDeps = Pick<ServiceDeps<unknown>, 'database' | 'codec' | 'wakeRelay'> & {
  readonly processors: readonly Erased[];
};

export const createParking = ({ database, codec, wakeRelay, processors }: ParkingDeps): Parking => ({
  list: async (orgId, limit) => {
    const keys = await listParked(database, orgId, limit);
    return { items: keys.map((key) => ({ ...key, since: new Date(key.since).toISOString() })) };
  },
  drain: async (orgId, { group, key, dropFirst }) => {
    const processor = processors.find((one) => one.group === group);
    const [first] = processor === undefined ? [] : await readParked(database, group, key, 1);
    if (processor === undefined || first?.orgId !== orgId)
      throw new CodedError('CAL_ERR_NOT_PARKED', 'nothing of this key waits');
    return drainKey(processor, { database, codec, wakeRelay, clock: systemClock }, { key, dropFirst });
  },
});
