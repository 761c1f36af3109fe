/**
 * One replica of many: whoever holds a lease does the work, and a number tells holders apart.
 *
 *   free ─take─▶ held, fence 1 ─take by the same─▶ held, fence 1 ─until passes, take by another─▶ held, fence 2
 *
 * The lease alone promises nothing: its holder may be frozen past `until` and wake in the middle of a write. What keeps
 * two from doing the work is the number, asked for in the transaction that writes. Every time is the database's, so that
 * the clocks of the machines do not matter.
 */
import { z } from 'zod';
import { CodedError, fault } from '@lead-flood/kernel';
import { sql } from './database.ts';
import type { Queries } from './database.ts';

export type Lease = {
  readonly name: string;
  /** Of this process and no other: a process that starts again is another holder. */
  readonly holder: string;
  readonly ttlMs: number;
};

/**
 * Takes the lease, or renews it: the number under which to write, or null while another holder's time runs. Renewing
 * keeps the number, also after the time has passed when nobody else came; taking over raises it.
 */
export async function takeLease(queries: Queries, { name, holder, ttlMs }: Lease): Promise<number | null> {
  await fault('lease.take.before');
  const fence = await queries.maybeOneFirst(sql.type(z.object({ fence: z.int() }))`
    insert into leases (name, holder, fence, until)
    values (${name}, ${holder}, 1, now() + ${ttlMs} * interval '1 millisecond')
    on conflict (name) do update set
      holder = excluded.holder,
      until = excluded.until,
      fence = leases.fence + case when leases.holder = excluded.holder then 0 else 1 end
    where leases.holder = excluded.holder or leases.until <= now()
    returning fence
  `);
  await fault('lease.take.after');
  return fence;
}

/**
 * Call first in the transaction that writes: throws `PGS_ERR_LEASE_LOST` (and so rolls back) when somebody has taken the
 * lease over. Until the transaction ends nobody can: the row is locked.
 */
export async function holdLease(tx: Queries, name: string, fence: number): Promise<void> {
  const isOurs = await tx.exists(sql.unsafe`select 1 from leases where name = ${name} and fence = ${fence} for update`);
  if (!isOurs) throw new CodedError('PGS_ERR_LEASE_LOST', `the lease ${name} is under another number than ${fence}`);
  await fault('lease.held');
}

/** Lets another replica take over at once; nothing when it is not ours any more. */
export async function releaseLease(queries: Queries, { name, holder }: Lease): Promise<void> {
  await queries.query(sql.unsafe`update leases set until = now() where name = ${name} and holder = ${holder}`);
}
