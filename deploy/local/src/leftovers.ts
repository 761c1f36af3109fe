// Says who owns a stack folder, and clears away what an owner that was killed has left there.
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { signalGroup } from './child.ts';
import { LocalError, systemErrorCode } from './errors.ts';
import { pollUntil } from './polling.ts';
import { identify, isAlive } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { removeDataFolder, removeTree } from './servers/postgres-files.ts';

const ownerFile = 'owner.json';
const attemptsMax = 20;

/** Makes this process the owner of the folder, or throws LOCAL_ERR_ALREADY_RUNNING when a living process is. */
export async function claimFolder(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const draft = join(directory, `.owner-${process.pid}-${performance.now()}`);
  writeFileSync(draft, `${JSON.stringify(identify(process.pid))}\n`);
  try {
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      // A link is made with its content or not at all, so nobody ever reads half an owner.
      if (tryLink(draft, join(directory, ownerFile))) return await clearLeftovers(directory);
      dismissDeadOwner(directory);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  throw new LocalError('LOCAL_ERR_ALREADY_RUNNING', `others keep claiming ${directory}`);
}

/** Gives the folder back: every process named in it is gone, and nothing but the logs is left. */
export async function releaseFolder(directory: string): Promise<void> {
  await clearData(directory);
  rmSync(join(directory, ownerFile), { force: true });
}

/** The same without awaiting anything, for the `exit` event: the processes have been sent their end by child.ts. */
export function abandonFolder(directory: string): void {
  removeData(directory);
  rmSync(join(directory, ownerFile), { force: true });
}

async function clearLeftovers(directory: string): Promise<void> {
  await clearData(directory);
  for (const log of readdirSync(directory).filter((name) => name.endsWith('.log'))) rmSync(join(directory, log));
}

/** Kills what the pid files name, if it is still that very process, and removes the data. */
async function clearData(directory: string): Promise<void> {
  const files = readdirSync(directory).filter((name) => name.endsWith('.pid.json'));
  await Promise.all(files.map((name) => killNamed(join(directory, name))));
  removeData(directory);
}

function removeData(directory: string): void {
  const kept = (name: string): boolean => name === ownerFile || name.endsWith('.log') || name.startsWith('.owner-');
  removeDataFolder(join(directory, 'postgres'));
  for (const name of readdirSync(directory).filter((entry) => !kept(entry))) removeTree(join(directory, name));
}

function tryLink(draft: string, owner: string): boolean {
  try {
    linkSync(draft, owner);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

function dismissDeadOwner(directory: string): void {
  const path = join(directory, ownerFile);
  const owner = readIdentity(path);
  if (!owner) return; // gone between the two looks
  if (isAlive(owner)) {
    const message = `a stack is already running in this folder (pid ${owner.pid}): ${directory}; end it there (Ctrl-C) or by \`kill ${owner.pid}\``;
    throw new LocalError('LOCAL_ERR_ALREADY_RUNNING', message);
  }
  // Renamed rather than removed: of two processes that see the same dead owner only one gets this very file, and one
  // that gets a new owner's by mistake can tell and put it back.
  const taken = join(directory, `.owner-dead-${process.pid}`);
  try {
    renameSync(path, taken);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return;
    throw error;
  }
  const dismissed = readIdentity(taken);
  if (dismissed && isAlive(dismissed)) tryLink(taken, path);
  rmSync(taken, { force: true });
}

async function killNamed(pidFile: string): Promise<void> {
  const recorded = readIdentity(pidFile);
  if (recorded && isAlive(recorded)) {
    const quit = recorded.deathSignal === 'QUIT';
    signalGroup(recorded.pid, quit ? 'SIGQUIT' : 'SIGKILL');
    const what = `the end of pid ${recorded.pid} of ${basename(pidFile)}`;
    try {
      await pollUntil(() => !isAlive(recorded), { what, timeoutMs: 3000 });
    } catch (error) {
      if (!(error instanceof LocalError)) throw error;
      signalGroup(recorded.pid, 'SIGKILL');
      await pollUntil(() => !isAlive(recorded), { what, timeoutMs: 3000 });
    }
  }
  rmSync(pidFile, { force: true });
}

type Recorded = ProcessIdentity & { readonly deathSignal?: unknown };

/** Undefined when the file is gone or was cut short by the end of its writer: either way it names no process. */
function readIdentity(path: string): Recorded | undefined {
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof content !== 'object' || content === null) return undefined;
    if (!('pid' in content) || !('startedAtTicks' in content)) return undefined;
    if (typeof content.pid !== 'number' || typeof content.startedAtTicks !== 'number') return undefined;
    return { ...content, pid: content.pid, startedAtTicks: content.startedAtTicks };
  } catch (error) {
    if (error instanceof SyntaxError || systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
