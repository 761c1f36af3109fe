// The entry of every npm script: plain JavaScript for whatever Node a fresh clone meets. It installs the dependencies
// when they are missing or outdated, then hands over to the TypeScript CLI on the Node 24 that is one of them.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const bin = join(root, 'node_modules', '.bin');
const installedMark = join(root, 'node_modules', '.lead-flood-lock');
// Outside node_modules, which `npm ci` deletes first.
const installLock = join(root, '.local', 'install.pid');
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

await install();
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` };
process.exit(await run(join(bin, 'node'), ['deploy/local/src/cli.ts', ...process.argv.slice(2)], env));

/** Installs unless the installed dependencies are those of package-lock.json; one process at a time. */
async function install() {
  if (isInstalled()) return;
  await takeLock();
  try {
    // Another process may have installed while this one waited.
    if (isInstalled()) return;
    const startedAt = Date.now();
    const progress = showProgress(startedAt);
    let result = await npm(['ci']);
    // Some registries do not carry the optional packages of other platforms. A lock file made there lacks them, and
    // `npm ci` refuses it as out of step. `npm install --no-save` takes the same locked versions and changes no file.
    if (result.output.includes('EUSAGE')) result = await npm(['install', '--no-save']);
    progress.stop();
    if (result.code !== 0) fail(result);
    writeFileSync(installedMark, lockfileHash());
    console.error(`dependencies installed in ${Math.round((Date.now() - startedAt) / 1000)} s`);
  } finally {
    rmSync(installLock, { force: true });
  }
}

function fail({ code, output }) {
  console.error(output.trimEnd());
  console.error(`npm ended with code ${code}: the dependencies are not installed, nothing was started.`);
  console.error('Its messages are above. Most often the npm registry cannot be reached: check that, then try again.');
  rmSync(installLock, { force: true });
  process.exit(code);
}

/** How many packages are in place: redrawn on a terminal, a line every ten seconds in a log. */
function showProgress(startedAt) {
  const text = () =>
    `installing dependencies: ${packageCount()} packages, ${Math.round((Date.now() - startedAt) / 1000)} s`;
  const live = process.stderr.isTTY;
  console.error('installing dependencies (npm ci) ...');
  const timer = setInterval(() => process.stderr.write(live ? `\r${text()} ` : `${text()}\n`), live ? 500 : 10_000);
  return {
    stop: () => {
      clearInterval(timer);
      if (live) process.stderr.write('\r\x1b[K');
    },
  };
}

function packageCount() {
  const modules = join(root, 'node_modules');
  if (!existsSync(modules)) return 0;
  const names = readdirSync(modules).filter((name) => !name.startsWith('.'));
  return names.reduce((sum, name) => sum + (name.startsWith('@') ? readdirSync(join(modules, name)).length : 1), 0);
}

function isInstalled() {
  return (
    existsSync(join(bin, 'node')) &&
    existsSync(installedMark) &&
    readFileSync(installedMark, 'utf8').trim() === lockfileHash()
  );
}

function lockfileHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

/** Runs npm: the one that runs this script, if one does, since the `npm` on the path may be another. */
async function npm(args) {
  const own = process.env.npm_execpath;
  const [file, first] = own && basename(own).startsWith('npm') ? [process.execPath, [own]] : ['npm', []];
  // Only errors: under Node 20 npm warns about every package that wants 24, which is what the CLI then runs on.
  const flags = ['--no-audit', '--no-fund', '--loglevel=error'];
  let output = '';
  const collect = (chunk) => (output += chunk);
  const code = await run(file, [...first, ...args, ...flags], process.env, collect);
  return { code, output };
}

/** Waits while another living process installs; the lock of a dead one is taken over. */
async function takeLock() {
  mkdirSync(dirname(installLock), { recursive: true });
  for (let told = false; ;) {
    try {
      writeFileSync(installLock, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = lockHolder();
    if (holder === undefined) continue;
    if (!isAlive(holder)) {
      rmSync(installLock, { force: true });
      continue;
    }
    if (!told) console.error(`waiting for process ${holder}, which installs the dependencies ...`);
    told = true;
    await delay(250);
  }
}

function lockHolder() {
  try {
    return Number(readFileSync(installLock, 'utf8')) || undefined;
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (error.code === 'ESRCH') return false;
    if (error.code === 'EPERM') return true;
    throw error;
  }
}

/** Runs a program in the repository, passes signals on to it, answers its exit code. Without `collect` it has our terminal. */
function run(file, args, env, collect) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd: root, env, stdio: collect ? ['ignore', 'pipe', 'pipe'] : 'inherit' });
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    const forward = (signal) => child.kill(signal);
    const signals = Object.keys(exitCodes);
    for (const signal of signals) process.on(signal, forward);
    const finish = (code) => {
      for (const signal of signals) process.off(signal, forward);
      resolve(code);
    };
    child.once('error', (error) => {
      console.error(`${file} cannot be run: ${error.message}`);
      finish(127);
    });
    child.once('close', (code, signal) => finish(code ?? exitCodes[signal] ?? 137));
  });
}
