/** F4 to F7: the broker, Postgres, Redis and the schema registry go away and come back. */
import { connect } from 'node:net';
import { once } from 'node:events';
import { z } from 'zod';
import { createDatabase, sql } from '@lead-flood/postgres';
import type { Database } from '@lead-flood/postgres';
import type { Fault, Stage } from '../stage.ts';
import {
  freeze,
  hits,
  killAndRestart,
  lookupsUnderWay,
  messagesUnderWay,
  pause,
  pidOf,
  PUT_OUT,
  readers,
  remedy,
  services,
  shows,
} from '../stage.ts';

export const broker: Fault = {
  name: 'F4',
  sentence: 'the broker is killed and started again, or stands still for 12 s',
  doubtsMax: 0,
  paidTwiceMax: lookupsUnderWay,
  async inject(stage) {
    await pause(stage.random.upTo(2_000));
    const kind = stage.random.oneOf(['restart', 'freeze'] as const);
    stage.say(kind);
    hits(stage, ...services);
    if (kind === 'restart') {
      shows(stage, readers, '"what":"kafka".*(ECONNREFUSED|ECONNRESET)');
      await stage.stack.restart('kafka');
      return;
    }
    // Beyond a session: when the broker wakes it puts out whoever's sign of life it does not read first.
    stage.signs.lines.push({ service: null, shows: PUT_OUT });
    freeze(stage, pidOf(stage, 'kafka'));
    await pause(12_000);
  },
  heal: remedy,
};

export const postgres: Fault = {
  name: 'F5',
  sentence: 'Postgres is stopped at once and started again, or ends every connection, or has none left',
  // An answer that could not be stored may be asked for again, once the database is back.
  doubtsMax: messagesUnderWay,
  paidTwiceMax: lookupsUnderWay,
  async inject(stage) {
    await pause(stage.random.upTo(2_000));
    const kind = stage.random.oneOf(['restart', 'terminate', 'exhaust'] as const);
    stage.say(kind);
    hits(stage, ...services);
    shows(stage, services, 'PGS_ERR_UNAVAILABLE.*(57P01|terminated unexpectedly|ECONNREFUSED|ECONNRESET)');
    if (kind === 'exhaust') shows(stage, ['discovery'], 'SQLSTATE 53300');
    if (kind === 'restart') await stage.stack.restart('postgres');
    if (kind === 'terminate') await terminate(stage);
    if (kind === 'exhaust') await exhaust(stage);
  },
  heal: remedy,
};

const open = (stage: Stage): Promise<Database> =>
  createDatabase({
    url: stage.stack.addresses.postgres,
    schema: 'public',
    applicationName: 'fault',
    connectionsMax: 1,
  });

async function terminate(stage: Stage): Promise<void> {
  const database = await open(stage);
  for (let round = 0; round < 3; round += 1) {
    await database.query(sql.unsafe`
      select pg_terminate_backend(pid) from pg_stat_activity
      where backend_type = 'client backend' and pid <> pg_backend_pid() and application_name <> 'invariants'
    `);
    await pause(stage.random.upTo(1_000));
  }
  await database.end();
}

const CONNECTIONS = 220;

/** Takes what is free, ends the services' own connections, and takes their places before they come back. */
async function exhaust(stage: Stage): Promise<void> {
  const own = await open(stage);
  // The pool connects when it is first asked: later there would be no place for it.
  await own.query(sql.unsafe`select 1`);
  const crowd = await createDatabase({
    url: stage.stack.addresses.postgres,
    schema: 'public',
    applicationName: 'fault',
    connectionsMax: CONNECTIONS,
  });
  const mayGo = Promise.withResolvers<undefined>();
  // Refused once the server is full: then it is as full as it should be.
  const hold = (): Promise<undefined> => crowd.connect(() => mayGo.promise).catch(() => undefined);
  const holding = Array.from({ length: CONNECTIONS }, hold);
  stage.remedies.push(async () => {
    mayGo.resolve(undefined);
    await Promise.all(holding);
    await Promise.all([crowd.end(), own.end()]);
  });
  await pause(2_000);
  for (let round = 0; round < 4; round += 1) {
    const ended = await own.anyFirst(sql.type(z.object({ pid: z.int() }))`
      select pid from pg_stat_activity
      where backend_type = 'client backend' and application_name <> 'fault' and pg_terminate_backend(pid)
    `);
    stage.say(`${ended.length} connections taken over`);
    holding.push(...ended.map(hold));
    await pause(1_000);
  }
}

export const redis: Fault = {
  name: 'F6',
  sentence: 'Redis is killed and started again, or stands still for 5 s, or is emptied: nothing rests on it alone',
  doubtsMax: 0,
  paidTwiceMax: 0,
  async inject(stage) {
    await pause(stage.random.upTo(2_000));
    const kind = stage.random.oneOf(['restart', 'freeze', 'flush'] as const);
    stage.say(kind);
    if (kind === 'restart') {
      shows(stage, ['ingest-gateway'], 'Redis is away');
      process.kill(pidOf(stage, 'redis'), 'SIGKILL');
      // Away for long enough to be missed.
      await pause(2_000);
      await stage.stack.restart('redis');
    }
    if (kind === 'flush') {
      stage.signs.hidden.push('an emptied Redis is a Redis whose limits have just begun: nobody can tell them apart');
      await flush(stage);
    }
    if (kind === 'freeze') {
      freeze(stage, pidOf(stage, 'redis'));
      await pause(3_000);
      const told = await (await fetch(`${stage.product.gateway}/api/v1/system/ready`)).text();
      stage.signs.others.push({
        what: `the gateway called itself ready without a word of Redis: ${told}`,
        seen: () => Promise.resolve(/"redis":"(?!ok")/.test(told)),
      });
      await pause(2_000);
    }
  },
  heal: remedy,
};

async function flush(stage: Stage): Promise<void> {
  const { hostname, port } = new URL(stage.stack.addresses.redis);
  const socket = connect(Number(port), hostname);
  socket.write('FLUSHALL\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  if (!answer.toString().startsWith('+OK')) throw new Error(`redis: ${answer.toString()}`);
}

export const registry: Fault = {
  name: 'F7',
  sentence: 'the schema registry hangs while a service starts; those that run know their ids and go on',
  doubtsMax: messagesUnderWay,
  paidTwiceMax: lookupsUnderWay,
  async inject(stage) {
    freeze(stage, pidOf(stage, 'registry'));
    // Analytics writes no events and so needs no id of the registry to start.
    const name = stage.random.oneOf(readers.filter((reader) => reader !== 'analytics'));
    stage.say(name);
    hits(stage, name);
    shows(stage, [name], 'waiting for registry');
    const restarted = killAndRestart(stage, name);
    // A call to the registry is given up after 10 s, which counts from when the service has come so far.
    await pause(17_000);
    await remedy(stage);
    await restarted;
  },
  heal: remedy,
};
