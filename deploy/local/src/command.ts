// Runs a tool (mvn, pip, initdb) to its end; its output is shown only when it fails.
import { spawn } from 'node:child_process';
import { lastLines } from './child.ts';
import { dieWithParent } from './death-signal.ts';
import type { ProcessUser } from './death-signal.ts';
import { LocalError } from './errors.ts';

export interface CommandOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly user?: ProcessUser;
  readonly input?: string;
  readonly cwd?: string;
  readonly onLine?: (line: string) => void;
}

/** Everything it printed; LOCAL_ERR_COMMAND_FAILED with the last 20 lines when it cannot run or ends with an error. */
export function runCommand(command: readonly string[], options: CommandOptions = {}): Promise<string> {
  const wrapped = dieWithParent(command, 'KILL', options.user);
  const child = spawn(wrapped.file, wrapped.args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.env && { env: options.env }),
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    ...(wrapped.user && { uid: wrapped.user.uid, gid: wrapped.user.gid }),
  });
  let output = '';
  let pending = '';
  const collect = (chunk: Buffer): void => {
    const text = chunk.toString('utf8');
    output += text;
    const lines = (pending + text).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) options.onLine?.(line);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  // A tool that ends without reading its input closes the pipe; its exit code tells what happened.
  child.stdin.on('error', (error) => (output += `${error.message}\n`));
  child.stdin.end(options.input ?? '');
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: Error): void => {
      const message = `${command.slice(0, 3).join(' ')} ... ${why}:\n${lastLines(output)}`;
      reject(new LocalError('LOCAL_ERR_COMMAND_FAILED', message, { cause }));
    };
    child.once('error', (error) => fail(error.message, error));
    child.once('close', (code, signal) => {
      if (code === 0) resolve(output);
      else fail(`ended with ${signal ?? `code ${code}`}`);
    });
  });
}
