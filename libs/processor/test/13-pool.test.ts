/**
 * Chapter 13: a pool without a free connection.
 *
 * Batches, commands, the relay and the doors share the few connections of a process. Nothing is lost and nothing ends when
 * all of them are in use: the batch waits for one.
 *
 *   pool  [ taken ][ taken ]      batch ──▶ waits ──▶ [ free ] ──▶ commit
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createDatabase, sql } from '@lead-flood/postgres';
import type { Database } from '@lead-flood/postgres';
import { batchProcessor } from '@lead-flood/processor';
import { createLine, eventually, testEnvironment } from '@lead-flood/testing';
import type { Line } from '@lead-flood/testing';
import { at, countOf, enriched, startOn, tally } from './example.ts';

const CONNECTIONS = 2;
let line: Line;
let pool: Database;
beforeAll(async () => {
  line = await createLine(batchProcessor(tally), at);
  const url = new URL(testEnvironment().DATABASE_URL);
  url.pathname = await line.database.oneFirst(
    sql.type(z.object({ name: z.string() }))`select current_database()::text as name`,
  );
  pool = await createDatabase({
    url: url.toString(),
    schema: at.schema,
    applicationName: 'small-pool',
    connectionsMax: CONNECTIONS,
  });
});
afterAll(async () => {
  await pool.end();
  await line.close();
});

describe('a batch for which no connection is free', () => {
  it('waits until there is one', async () => {
    let asked = 0;
    const fatal: Error[] = [];
    const running = await startOn(line, batchProcessor(tally), {
      onFatal: (error) => fatal.push(error),
      database: {
        ...pool,
        transaction: (body) => {
          asked += 1;
          return pool.transaction(body);
        },
      },
    });
    await line.publish(enriched('ada', 1));
    await eventually('the first', async () => (await countOf(line.database, 'ada')) === 1);
    const mayEnd = Promise.withResolvers<undefined>();
    const taken = Array.from({ length: CONNECTIONS }, () => Promise.withResolvers<undefined>());
    const held = taken.map((one) =>
      pool.connect(async () => {
        one.resolve(undefined);
        await mayEnd.promise;
      }),
    );
    await Promise.all(taken.map((one) => one.promise));
    const before = asked;
    await line.publish(enriched('ada', 2));
    await eventually('the batch to ask for a connection', () => asked > before);
    expect(await countOf(line.database, 'ada')).toBe(1);
    mayEnd.resolve(undefined);
    await Promise.all(held);
    await eventually('the second', async () => (await countOf(line.database, 'ada')) === 2);
    await running.stop();
    expect(fatal).toEqual([]);
  });
});
