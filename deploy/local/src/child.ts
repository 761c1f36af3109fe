// Starts one operating-system process whose output goes to a file, whose identity is on disk, and which dies with us.
// Servers (server.ts) and product processes (supervisor.ts) are both children; readiness is theirs, not this file's.
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { dieWithParent } from './death-signal.ts';
import type { DeathSignal, ProcessUser } from './death-signal.ts';
import { LocalError, systemErrorCode } from './errors.ts';
import { identify } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What `<name>.pid.json` holds; leftovers.ts reads it. */
export interface PidFile extends ProcessIdentity {
  readonly name: string;
  readonly command: readonly string[];
  readonly deathSignal: DeathSignal;
}

export interface ChildOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly logFile: string;
  readonly pidFile: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly user?: ProcessUser;
  /** What ends it at once and cleanly enough. KILL unless the program leaves something behind on it. */
  readonly deathSignal?: DeathSignal;
}

export interface Child {
  readonly name: string;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  hasExited(): boolean;
  /** Everything this run has written so far (an earlier run's lines in the same file are left out). */
  output(): string;
  signal(signal: NodeJS.Signals): void;
  /** Ends it at once, by its death signal. */
  kill(): Promise<Exit>;
  /** SIGTERM, and after `graceMs` the end at once. */
  stop(graceMs: number): Promise<Exit>;
}

const living = new Map<number, DeathSignal>();

// A last resort that also covers process.exit() and an uncaught exception; must not await anything.
process.on('exit', () => {
  for (const [pid, deathSignal] of living) signalGroup(pid, deathSignal === 'QUIT' ? 'SIGQUIT' : 'SIGKILL');
});

/** Resolves once the process runs; a program that cannot be executed rejects with LOCAL_ERR_COMMAND_FAILED. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const deathSignal = options.deathSignal ?? 'KILL';
  mkdirSync(dirname(options.logFile), { recursive: true });
  mkdirSync(dirname(options.pidFile), { recursive: true });
  const wrapped = dieWithParent(options.command, deathSignal, options.user);
  const log = openSync(options.logFile, 'a');
  const outputStart = statSync(options.logFile).size;
  const spawned = spawn(wrapped.file, wrapped.args, {
    // Its own process group: Ctrl-C in the terminal then reaches only the owner, which stops things in order.
    detached: true,
    stdio: ['ignore', log, log],
    ...(options.env && { env: options.env }),
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(wrapped.user && { uid: wrapped.user.uid, gid: wrapped.user.gid }),
  });
  closeSync(log);
  const exited = new Promise<Exit>((resolve) => {
    spawned.once('exit', (code, signal) => {
      if (spawned.pid !== undefined) living.delete(spawned.pid);
      rmSync(options.pidFile, { force: true });
      resolve({ code, signal });
    });
  });
  const pid = await spawnedPid(spawned, options);
  if (spawned.exitCode === null && spawned.signalCode === null) {
    living.set(pid, deathSignal);
    writePidFile(options, pid, deathSignal);
  }
  const end = deathSignal === 'QUIT' ? 'SIGQUIT' : 'SIGKILL';
  const hasExited = (): boolean => spawned.exitCode !== null || spawned.signalCode !== null;
  const child: Child = {
    name: options.name,
    pid,
    exited,
    hasExited,
    output: () => readFileSync(options.logFile).subarray(outputStart).toString('utf8'),
    signal: (signal) => {
      if (!hasExited()) spawned.kill(signal);
    },
    kill: () => {
      if (!hasExited()) signalGroup(pid, end);
      return exited;
    },
    stop: async (graceMs) => {
      child.signal('SIGTERM');
      const timer = setTimeout(() => hasExited() || signalGroup(pid, end), graceMs);
      return exited.finally(() => clearTimeout(timer));
    },
  };
  return child;
}

/** The last lines of what a child wrote, for an error message. */
export function lastLines(output: string, count = 20): string {
  return output.trimEnd().split('\n').slice(-count).join('\n');
}

function spawnedPid(spawned: ReturnType<typeof spawn>, options: ChildOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    spawned.once('spawn', () => resolve(spawned.pid ?? 0));
    spawned.once('error', (cause) =>
      reject(
        new LocalError('LOCAL_ERR_COMMAND_FAILED', `${options.name} cannot be executed: ${cause.message}`, { cause }),
      ),
    );
  });
}

function writePidFile(options: ChildOptions, pid: number, deathSignal: DeathSignal): void {
  const identity = identify(pid);
  if (identity === undefined) return;
  const content: PidFile = { ...identity, name: options.name, command: options.command, deathSignal };
  writeFileSync(options.pidFile, `${JSON.stringify(content, undefined, 2)}\n`);
}

/** Signals the child's whole process group, so that what it started (a browser, say) goes with it. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (systemErrorCode(error) !== 'ESRCH') throw error;
  }
}
