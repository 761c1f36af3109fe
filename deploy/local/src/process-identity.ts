// Names a process so that it is still the same one later: a pid alone is reused, a pid with its start time is not.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { systemErrorCode } from './errors.ts';

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot on Linux (field 22 of /proc/<pid>/stat), epoch milliseconds elsewhere. */
  readonly startedAtTicks: number;
}

/** When the process started, or undefined when it is gone. A zombie counts as gone: it can neither run nor be killed. */
export function startedAtTicks(pid: number): number | undefined {
  return process.platform === 'linux' ? ticksFromProc(pid) : millisecondsFromPs(pid);
}

export function identify(pid: number): ProcessIdentity | undefined {
  const ticks = startedAtTicks(pid);
  return ticks === undefined ? undefined : { pid, startedAtTicks: ticks };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return startedAtTicks(identity.pid) === identity.startedAtTicks;
}

function ticksFromProc(pid: number): number | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(systemErrorCode(error) ?? '')) return undefined;
    throw error;
  }
  // The second field is the command in parentheses and may hold spaces: count from the last parenthesis, field 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return Number(fields[19]);
}

function millisecondsFromPs(pid: number): number | undefined {
  try {
    const line = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    const [state = '', ...started] = line.split(/\s+/);
    return state.startsWith('Z') ? undefined : Date.parse(started.join(' '));
  } catch (error) {
    // ps ends with 1 when there is no such process; anything else is a real fault.
    if (error instanceof Error && 'status' in error && error.status === 1) return undefined;
    throw error;
  }
}
