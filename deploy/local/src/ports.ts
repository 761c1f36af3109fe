// Finds ports to listen on, and says whether a given process is the one that listens there.
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { LocalError, systemErrorCode } from './errors.ts';

// Below the kernel's range for outgoing connections (32768 up): a port picked here cannot become the source port of
// some connection in the seconds a Java server takes to bind it.
const portMin = 20_000;
const portMax = 32_000;
const attemptsMax = 200;
/** From the choice to the listening socket: a service first migrates and waits for its servers. */
const reservedMs = 120_000;

/** A port that was free a moment ago and that no other stack of this user has chosen lately. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    const port = portMin + Math.floor(Math.random() * (portMax - portMin));
    if (reserve(port) && (await isFree(port))) return port;
  }
  throw new LocalError('LOCAL_ERR_PORT_TAKEN', `no free port among ${attemptsMax} tried in ${portMin}-${portMax}`);
}

/** A port is chosen seconds before it is bound; a file with its name keeps others that start meanwhile away from it. */
function reserve(port: number): boolean {
  const folder = join(tmpdir(), `lead-flood-ports-${userInfo().uid}`);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, String(port));
  try {
    writeFileSync(file, '', { flag: 'wx' });
    return true;
  } catch (error) {
    if (systemErrorCode(error) !== 'EEXIST') throw error;
  }
  const since = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  // Bound by now, or its owner is gone: the next who draws it may have it if nobody listens there.
  if (Date.now() - since > reservedMs) rmSync(file, { force: true });
  return false;
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const listener = createServer();
    listener.once('error', (error) => {
      if (['EADDRINUSE', 'EACCES'].includes(systemErrorCode(error) ?? '')) resolve(false);
      else reject(error);
    });
    listener.listen({ port, host: '127.0.0.1', exclusive: true }, () => listener.close(() => resolve(true)));
  });
}

/**
 * Whether `pid` itself holds the listening socket. Without this a server that lost the race for a port would look
 * ready, answered by its neighbour. Outside Linux there is no cheap way to ask: true.
 */
export function listensOn(pid: number, port: number): boolean {
  if (process.platform !== 'linux') return true;
  const inodes = new Set(['tcp', 'tcp6'].flatMap((table) => listeningInodes(`/proc/net/${table}`, port)));
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => inodes.has(socketInode(`/proc/${pid}/fd/${fd}`)));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return false;
    // A process of another user that we may not look into (never so for root): trust the protocol-level probe.
    if (systemErrorCode(error) === 'EACCES') return true;
    throw error;
  }
}

function listeningInodes(table: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  let rows: string[];
  try {
    rows = readFileSync(table, 'utf8').split('\n').slice(1);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return []; // a kernel without IPv6 has no tcp6 table
    throw error;
  }
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(wanted) === true && fields[3] === '0A')
    .map((fields) => fields[9] ?? '');
}

function socketInode(link: string): string {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(link))?.[1] ?? 'none';
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return 'none'; // closed between listing and reading
    throw error;
  }
}
