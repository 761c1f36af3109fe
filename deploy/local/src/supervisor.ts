// Runs product processes (the seven services, the sandbox) as children that are ready when their health URL says so.
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { lastLines, startChild } from './child.ts';
import type { Child, Exit } from './child.ts';
import { LocalError } from './errors.ts';
import { onShutdown } from './shutdown.ts';

const stopGraceMsDefault = 10_000;

export interface ProcessOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Appended to. `<name>.pid.json` is written beside it, so put it in the stack's folder to have leftovers reaped. */
  readonly logFile: string;
  /** Ready when this answers 200. */
  readonly readyUrl: string;
  readonly readyTimeoutMs: number;
  readonly cwd?: string;
}

export interface ManagedProcess {
  readonly name: string;
  /** Of the current run. */
  readonly pid: number;
  /** The end of the current run; ask again after a restart. */
  readonly exited: Promise<Exit>;
  readonly readyMs: number;
  /** Stops it if it still runs, starts it anew, and resolves when it is ready. */
  restart(): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL for it and its children after the grace. */
  stop(graceMs?: number): Promise<Exit>;
}

/**
 * Resolves when the process is ready. LOCAL_ERR_EXITED_EARLY (with its last 20 lines) or LOCAL_ERR_NOT_READY otherwise,
 * and then no process is left. It is stopped, latest first, when this process gets a signal.
 */
export async function startProcess(options: ProcessOptions): Promise<ManagedProcess> {
  let run = await startRun(options);
  const stop = (graceMs = stopGraceMsDefault): Promise<Exit> => {
    forget();
    return run.child.stop(graceMs);
  };
  const forget = onShutdown(options.name, async () => {
    await stop();
  });
  return {
    name: options.name,
    get pid() {
      return run.child.pid;
    },
    get exited() {
      return run.child.exited;
    },
    get readyMs() {
      return run.readyMs;
    },
    restart: async () => {
      await run.child.stop(stopGraceMsDefault);
      run = await startRun(options);
    },
    kill: (signal) => run.child.signal(signal),
    stop,
  };
}

interface Run {
  readonly child: Child;
  readonly readyMs: number;
}

async function startRun(options: ProcessOptions): Promise<Run> {
  const startedAt = performance.now();
  const child = await startChild({
    name: options.name,
    command: options.command,
    logFile: options.logFile,
    pidFile: join(dirname(options.logFile), `${options.name}.pid.json`),
    env: options.env,
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
  // A signal that comes while it is still starting must not leave it behind.
  const forget = onShutdown(options.name, async () => {
    await child.kill();
  });
  try {
    await becomeReady(child, options);
  } finally {
    forget();
  }
  return { child, readyMs: Math.round(performance.now() - startedAt) };
}

async function becomeReady(child: Child, options: ProcessOptions): Promise<void> {
  const deadline = performance.now() + options.readyTimeoutMs;
  let lastAnswer = 'no answer';
  while (performance.now() < deadline) {
    if (child.hasExited()) {
      const { code, signal } = await child.exited;
      const how = signal ?? `code ${code}`;
      const message = `${child.name} ended with ${how} before it was ready; its log ends:\n${lastLines(child.output())}`;
      throw new LocalError('LOCAL_ERR_EXITED_EARLY', message);
    }
    lastAnswer = await askReady(options.readyUrl);
    if (lastAnswer === '200') return;
    await delay(25);
  }
  await child.kill();
  const why = `not ready within ${options.readyTimeoutMs} ms (${options.readyUrl}: ${lastAnswer})`;
  throw new LocalError('LOCAL_ERR_NOT_READY', `${child.name} ${why}; its log ends:\n${lastLines(child.output())}`);
}

/** The status code, or what went wrong: while a process starts, a refused connection is an answer like any other. */
async function askReady(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.body?.cancel();
    return String(response.status);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
