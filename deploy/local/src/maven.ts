// Fetches what a pom in ../maven names, through the machine's own Maven (its mirrors, proxies and credentials apply).
import { copyFileSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from './command.ts';
import type { ReceivedBytes } from './download-progress.ts';
import { LocalError } from './errors.ts';
import { findJava } from './java.ts';

const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';

export interface MavenFetch {
  /** The file in ../maven. */
  readonly pom: string;
  /** `copy` keeps the archives as they are, `unpack` takes them apart. */
  readonly goal: 'copy' | 'unpack';
  /** With unpack: the only files wanted out of the archive. */
  readonly include?: string;
  /** A folder of the local repository where one big archive grows: Maven prints nothing until it is complete. */
  readonly growsIn?: string;
}

export async function fetchByMaven(
  fetch: MavenFetch,
  directory: string,
  received: ReceivedBytes,
  log: (line: string) => void,
): Promise<void> {
  // A copy: Maven writes a target folder beside the pom, and what it notes there (unpacked already) would make it skip
  // the work for the next empty cache.
  const pom = join(directory, 'pom.xml');
  copyFileSync(fileURLToPath(new URL(`../maven/${fetch.pom}`, import.meta.url)), pom);
  const java = await findJava(17, log);
  let bytes = 0;
  const growth = fetch.growsIn === undefined ? undefined : watchGrowth(fetch.growsIn, received);
  const command = [
    'mvn',
    '--batch-mode',
    '--file',
    pom,
    `${plugin}:${fetch.goal}-dependencies`,
    `-DoutputDirectory=${directory}`,
    ...(fetch.include === undefined ? [] : [`-Dmdep.unpack.includes=${fetch.include}`]),
  ];
  try {
    await runCommand(command, {
      env: { ...process.env, JAVA_HOME: dirname(dirname(java.path)) },
      onLine: (line) => {
        bytes += downloadedBytes(line);
        if (bytes > 0 && !growth) received(bytes);
      },
    });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const hint = 'Maven (mvn) has to be installed and reach its repository';
    throw new LocalError('LOCAL_ERR_FETCH_FAILED', `${fetch.pom} could not be fetched. ${hint}. ${why}`, { cause });
  } finally {
    clearInterval(growth);
    rmSync(pom, { force: true });
    rmSync(join(directory, 'target'), { recursive: true, force: true });
  }
}

/** Maven's own line: `Downloaded from <id>: <url> (5.9 MB at 12 MB/s)`. */
export function downloadedBytes(line: string): number {
  const match = /Downloaded from .*\(([\d.]+) ([kMG]?B) at /.exec(line);
  if (!match) return 0;
  const unit = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 }[match[2] ?? 'B'] ?? 1;
  return Number(match[1]) * unit;
}

function watchGrowth(folder: string, received: ReceivedBytes): NodeJS.Timeout {
  const path = join(homedir(), '.m2', 'repository', folder);
  return setInterval(() => {
    if (!existsSync(path)) return;
    const sizes = readdirSync(path).map((file) => statSync(join(path, file), { throwIfNoEntry: false })?.size ?? 0);
    received(sizes.reduce((sum, size) => sum + size, 0));
  }, 500);
}
