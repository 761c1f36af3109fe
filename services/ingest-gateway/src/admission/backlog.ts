/** How many leads may wait to be let in: of all, and of one organisation, so that none fills the line up for the others. */
import { z } from 'zod';
import { CodedError } from '@lead-flood/kernel';
import type { Transaction } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';
import { placesOfOne } from '../limits/places.ts';

/** Beside those of libs/postgres and call-allocation. */
const LOCK_CLASS = 0x1eadf5;

export type Newcomer = {
  readonly jobId: string;
  readonly orgId: string;
  readonly rowsTotal: number;
};

const backlog = z.object({ all: z.coerce.number(), own: z.coerce.number() });

/**
 * Throws where an upload, of which `rows` are still to come, has no room. It must have begun in the same transaction: the
 * next one then counts it, also before the first of its rows is in.
 */
export async function refuseBeyondBacklog(
  tx: Transaction,
  { jobId, orgId, rowsTotal }: Newcomer,
  rows: number,
  waitingMax: number,
): Promise<void> {
  const ownMax = placesOfOne(waitingMax);
  if (rowsTotal > ownMax)
    throw new CodedError('IGW_ERR_TOO_MANY_ROWS', `${rowsTotal} rows at once, at most ${ownMax} may wait to be let in`);
  // All of it is in: it is only asked for its answer again.
  if (rows === 0) return;
  await tx.query(sql.unsafe`select pg_advisory_xact_lock(${LOCK_CLASS}, hashtext(current_schema()))`);
  // An upload that has not moved for a minute was cut off; sent again it asks anew.
  const { all, own } = await tx.one(sql.type(backlog)`
    select coalesce(sum(leads), 0) as all, coalesce(sum(leads) filter (where org_id = ${orgId}), 0) as own
    from (
      select org_id, leads from admissions
      union all
      select org_id, rows_total - committed_row from uploads
      where state = 'receiving' and updated_at > now() - interval '1 minute' and id <> ${jobId}
    ) as waiting
  `);
  if (all + rows > waitingMax || own + rows > ownMax)
    throw new CodedError(
      'IGW_ERR_BACKLOG_FULL',
      `${own} leads of yours and ${all - own} of others wait to be let in: send it again as Retry-After says`,
    );
}
