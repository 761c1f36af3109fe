// Keys that are set aside: which they are, and the way back through the gateway, since only their service can decide.
import { z } from 'zod';
import { parkedRoutes } from '@lead-flood/contracts';
import type { Database } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';
import { readParkedKeys, readSchemas } from '@lead-flood/service';
import { LocalError } from '../errors.ts';
import { readProductAddresses } from '../product-addresses.ts';

export interface Door {
  readonly gateway?: string;
  readonly token?: string;
}

export const parkedKeys = async (database: Database) => readParkedKeys(database, await readSchemas(database));

const drained = z.object({
  at: z.number(),
  who: z.string(),
  group: z.string(),
  key: z.string(),
  dropFirst: z.boolean(),
  drained: z.int(),
  dropped: z.int(),
  stoppedBy: z.string().nullable(),
});

/** Of all organisations, newest first. The service notes them itself, so an answer that is lost takes none with it. */
export const listDrains = (database: Database, limit: number) =>
  database.any(sql.type(drained)`
    select at, who, consumer_group as "group", key, drop_first as "dropFirst", drained, dropped, stopped_by as "stoppedBy"
    from call_allocation.drains order by at desc limit ${limit}
  `);

export async function drain(door: Door, asked: { group: string; key: string; dropFirst: boolean }) {
  const { gateway, token } = await signIn(door);
  const path = parkedRoutes.drainParked.path;
  const answer = await fetch(`${gateway}${path}`, {
    method: 'POST',
    body: JSON.stringify(asked),
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
  });
  if (!answer.ok)
    throw new LocalError('LOCAL_ERR_COMMAND_FAILED', `${path} answered ${answer.status}: ${await answer.text()}`);
  return parkedRoutes.drainParked.answer.parse(await answer.json());
}

async function signIn({ gateway, token }: Door): Promise<{ gateway: string; token: string }> {
  const product = readProductAddresses();
  const url = gateway ?? product?.gateway;
  const admin = product?.users.find(({ role }) => role === 'admin');
  if (url === undefined) throw new LocalError('LOCAL_ERR_NOT_RUNNING', 'no gateway: give --gateway and --token');
  if (token !== undefined) return { gateway: url, token };
  if (admin === undefined) throw new LocalError('LOCAL_ERR_NOT_RUNNING', 'no administrator is known: give --token');
  const answer = await fetch(`${url}/v1/auth/login`, {
    method: 'POST',
    body: JSON.stringify({ email: admin.email, password: admin.password }),
    headers: { 'content-type': 'application/json' },
  });
  return { gateway: url, token: z.object({ accessToken: z.string() }).parse(await answer.json()).accessToken };
}
