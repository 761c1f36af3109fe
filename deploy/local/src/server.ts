// A real server of the local stack: a child process that counts as started only when it answers its own protocol.
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { lastLines, startChild } from './child.ts';
import type { Child, Exit } from './child.ts';
import type { DeathSignal, ProcessUser } from './death-signal.ts';
import { LocalError } from './errors.ts';
import { listensOn } from './ports.ts';

export type ServerName = 'kafka' | 'registry' | 'postgres' | 'redis';

export interface Server {
  readonly name: ServerName;
  /** As a client wants it: host:port for Kafka, a URL for the others. */
  readonly address: string;
  readonly port: number;
  readonly pid: number;
  /** From the start of the process (its data directory included) to the first good answer. */
  readonly startMs: number;
  readonly exited: Promise<Exit>;
  /** Asks the server again, by its own protocol. */
  ready(): Promise<boolean>;
  /** Ends it in order; its data stay and the same start function brings it back. */
  stop(): Promise<void>;
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>;
  /** True when something is gained from an orderly end: this run still has to write its class archive. */
  readonly endsInOrder: boolean;
}

/** What every start function takes. */
export interface ServerOptions {
  /** Holds the server's data, log and pid file. Data found there are used. */
  readonly directory: string;
  readonly port: number;
  /** One line at a time, for progress. */
  readonly log: (line: string) => void;
}

export interface SpawnOptions {
  readonly name: ServerName;
  readonly command: readonly string[];
  readonly directory: string;
  readonly port: number;
  readonly address: string;
  /** Resolves when the server answers; a rejection means not yet. */
  readonly probe: (child: Child) => Promise<void>;
  readonly startedAt: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly user?: ProcessUser;
  readonly deathSignal?: DeathSignal;
  readonly readyTimeoutMs?: number;
  readonly stopGraceMs?: number;
  readonly endsInOrder?: boolean;
  /** Runs after an orderly end with the process gone. */
  readonly afterStop?: () => void;
}

/** Starts the process and resolves when it is ready; otherwise it is gone again and a LocalError says why. */
export async function spawnServer(options: SpawnOptions): Promise<Server> {
  const child = await startChild({
    name: options.name,
    command: options.command,
    logFile: join(options.directory, `${options.name}.log`),
    pidFile: join(options.directory, `${options.name}.pid.json`),
    ...(options.env && { env: options.env }),
    ...(options.user && { user: options.user }),
    ...(options.deathSignal && { deathSignal: options.deathSignal }),
  });
  await becomeReady(child, options);
  return {
    name: options.name,
    address: options.address,
    port: options.port,
    pid: child.pid,
    startMs: Math.round(performance.now() - options.startedAt),
    exited: child.exited,
    endsInOrder: options.endsInOrder ?? false,
    ready: () =>
      options.probe(child).then(
        () => !child.hasExited(),
        () => false, // the answer to the question asked: why not is in the server's own log
      ),
    stop: async () => {
      await child.stop(options.stopGraceMs ?? 10_000);
      options.afterStop?.();
    },
    kill: async () => {
      await child.kill();
    },
  };
}

async function becomeReady(child: Child, options: SpawnOptions): Promise<void> {
  const timeoutMs = options.readyTimeoutMs ?? 60_000;
  const deadline = performance.now() + timeoutMs;
  let lastFault: unknown;
  while (performance.now() < deadline) {
    if (child.hasExited()) throw await earlyExit(child, options.port);
    try {
      await options.probe(child);
      if (listensOn(child.pid, options.port)) return;
      lastFault = new Error(`port ${options.port} is answered by another process`);
    } catch (error) {
      lastFault = error;
    }
    await delay(25);
  }
  await child.kill();
  const why = lastFault instanceof Error ? lastFault.message : String(lastFault);
  const message = `${options.name} not ready within ${timeoutMs} ms (${why}); its log ends:\n${lastLines(child.output())}`;
  throw new LocalError('LOCAL_ERR_NOT_READY', message, { cause: lastFault });
}

async function earlyExit(child: Child, port: number): Promise<LocalError> {
  const { code, signal } = await child.exited;
  const output = child.output();
  // Kafka and Quarkus, Postgres and Redis word the failed bind differently; all of these mean "try another port".
  const taken = /address already in use|BindException|already bound|port \d+ (is )?(already )?in use/i.test(output);
  return new LocalError(
    taken ? 'LOCAL_ERR_PORT_TAKEN' : 'LOCAL_ERR_EXITED_EARLY',
    `${child.name} on port ${port} ended with ${signal ?? `code ${code}`} before it was ready; its log ends:\n${lastLines(output)}`,
  );
}
