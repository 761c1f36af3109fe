// Makes a child die with its parent even when the parent is killed with -9, by the kernel's parent-death signal.
// Only util-linux's setpriv offers it; without it (macOS, busybox) leftovers.ts is what cleans up.
import { spawnSync } from 'node:child_process';

export type DeathSignal = 'KILL' | 'QUIT';

export interface ProcessUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export interface WrappedCommand {
  readonly file: string;
  readonly args: string[];
  /** Set when the caller has to change the user itself, since setpriv could not. */
  readonly user?: ProcessUser;
}

let supported: boolean | undefined;

export function hasDeathSignal(): boolean {
  supported ??= spawnSync('setpriv', ['--pdeathsig', 'KILL', 'true'], { stdio: 'ignore' }).status === 0;
  return supported;
}

/**
 * The command, run so that it gets `signal` when the starting thread ends (the thread, not the process: a stack started
 * in a worker thread ends with that worker). setpriv replaces itself by the command, so
 * the pid is the command's own. It changes the user first and sets the signal afterwards: the other way round the
 * kernel would clear it.
 */
export function dieWithParent(command: readonly string[], signal: DeathSignal, user?: ProcessUser): WrappedCommand {
  const [file, ...args] = command;
  if (file === undefined) throw new Error('an empty command cannot be started');
  if (!hasDeathSignal()) return user ? { file, args, user } : { file, args };
  const asUser = user ? [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'] : [];
  return { file: 'setpriv', args: [...asUser, '--pdeathsig', signal, '--', file, ...args] };
}
