/** Keys that call-allocation has set aside, and the way back for them. Of one organisation; foreign keys are not there. */
import { z } from 'zod';
import { CodedError, randomId, systemClock } from '@lead-flood/kernel';
import type { Queries } from '@lead-flood/postgres';
import { listParked, readParked, sql } from '@lead-flood/postgres';
import type { Drained, Untyped } from '@lead-flood/processor';
import { drainKey } from '@lead-flood/processor';
import type { ServiceDeps } from '@lead-flood/service';

export type ParkedView = {
  readonly items: { group: string; key: string; messages: number; code: string | null; since: string }[];
};

export type DrainAsked = { readonly group: string; readonly key: string; readonly dropFirst: boolean };
export type DrainsView = {
  readonly items: (DrainAsked & Drained & { readonly id: string; readonly who: string; readonly at: string })[];
};

export type Asker = { readonly orgId: string; readonly userId: string };

export type Parking = {
  readonly list: (orgId: string, limit: number) => Promise<ParkedView>;
  /** Throws CAL_ERR_NOT_PARKED. */
  readonly drain: (asker: Asker, asked: DrainAsked) => Promise<Drained>;
  /** Who has drained what, newest first. */
  readonly drains: (orgId: string, limit: number) => Promise<DrainsView>;
};

export type ParkingDeps = Pick<ServiceDeps<unknown>, 'database' | 'codec' | 'wakeRelay'> & {
  readonly processors: readonly Untyped[];
};

export const createParking = ({ database, codec, wakeRelay, processors }: ParkingDeps): Parking => ({
  list: async (orgId, limit) => {
    const keys = await listParked(database, orgId, limit);
    return { items: keys.map((key) => ({ ...key, since: new Date(key.since).toISOString() })) };
  },
  drain: async (asker, asked) => {
    const { group, key, dropFirst } = asked;
    const processor = processors.find((one) => one.group === group);
    const [first] = processor === undefined ? [] : await readParked(database, group, key, 1);
    if (processor === undefined || first?.orgId !== asker.orgId)
      throw new CodedError('CAL_ERR_NOT_PARKED', 'nothing of this key waits');
    const id = randomId();
    const note = (tx: Queries, done: Drained): Promise<void> => noteDrain(tx, { id, asker, asked, done });
    return drainKey(processor, { database, codec, wakeRelay, clock: systemClock, note }, { key, dropFirst });
  },
  drains: async (orgId, limit) => {
    const rows = await database.any(sql.type(row)`
      select id, who, consumer_group as "group", key, drop_first as "dropFirst", drained, dropped,
        stopped_by as "stoppedBy", at
      from drains where org_id = ${orgId} order by at desc, id limit ${limit}
    `);
    return { items: rows.map((drain) => ({ ...drain, at: new Date(drain.at).toISOString() })) };
  },
});

const row = z.object({
  id: z.string(),
  who: z.string(),
  group: z.string(),
  key: z.string(),
  dropFirst: z.boolean(),
  drained: z.int(),
  dropped: z.int(),
  stoppedBy: z.string().nullable(),
  at: z.number(),
});

type Noted = { readonly id: string; readonly asker: Asker; readonly asked: DrainAsked; readonly done: Drained };

/** One row a drain, to which each of its transactions adds: the answer may be lost, the process may end between two. */
async function noteDrain(tx: Queries, { id, asker, asked, done }: Noted): Promise<void> {
  await tx.query(sql.unsafe`
    insert into drains (id, org_id, who, consumer_group, key, drop_first, drained, dropped, stopped_by)
    values (${id}, ${asker.orgId}, ${asker.userId}, ${asked.group}, ${asked.key}, ${asked.dropFirst},
      ${done.drained}, ${done.dropped}, ${done.stoppedBy})
    on conflict (id) do update set drained = drains.drained + excluded.drained,
      dropped = drains.dropped + excluded.dropped, stopped_by = excluded.stopped_by
  `);
}
