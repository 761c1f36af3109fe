/** The repository's rules about itself that no linter knows: width, length, names, codes, settings, foreign addresses. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { table } from '../services/enrichment/src/providers/table.ts';

const root = join(import.meta.dirname, '..');

const COLUMNS_MAX = 160;
const LINES_MAX = 400;

/** Files that are longer than `LINES_MAX` today, as formatted. A number here may only go down. */
const longFiles: Readonly<Record<string, number>> = {};

const FUNCTION_LINES_MAX = 70;

/** Functions that are longer than `FUNCTION_LINES_MAX` today, by file. A number here may only go down. */
const longFunctions: Readonly<Record<string, number>> = {
  'libs/testing/src/conformance.ts': 92,
  'libs/testing/src/line.ts': 140,
  'services/ingest-gateway/src/admission/admission.ts': 93,
  'services/ingest-gateway/src/gateway.ts': 86,
  'services/ingest-gateway/test/harness.ts': 87,
  'test/doors/open-doors.ts': 94,
};

/** Lines wider than `COLUMNS_MAX` outside literals, by file. A number here may only go down. */
const wideLines: Readonly<Record<string, number>> = {
  // A list of columns inside a statement of several lines.
};

/** Tracked or about to be; what git ignores is nobody's text. */
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const sources = files.filter(
  (path) => path.endsWith('.ts') && !path.includes('/generated/') && !path.startsWith('test/boundaries/fixtures/'),
);

/** A literal cannot be broken; the formatter leaves it as wide as it is. */
const withoutLiterals = (line: string): string =>
  line.replaceAll(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`?|\/(?:[^/\\\n]|\\.){20,}\/[a-z]*/g, "''");

/** The longest function of each file that has one over so many lines. A suite is a list of tests, not a function. */
function functionsOver(linesMax: number): Record<string, number> {
  const folder = mkdtempSync(join(tmpdir(), 'lead-flood-tidy-'));
  const config = join(folder, 'oxlint.json');
  const rules = { 'max-lines-per-function': ['error', { max: linesMax }] };
  writeFileSync(config, JSON.stringify({ rules, categories: { correctness: 'off' } }));
  const { stdout } = spawnSync(join(root, 'node_modules/.bin/oxlint'), ['--config', config, '--format=json', '.'], {
    cwd: root,
    encoding: 'utf8',
  });
  rmSync(folder, { recursive: true });
  const { diagnostics } = z
    .object({ diagnostics: z.array(z.object({ filename: z.string(), message: z.string() })) })
    .parse(JSON.parse(stdout));
  const found = diagnostics
    .filter(({ filename }) => sources.includes(filename) && !filename.endsWith('.test.ts'))
    .map(({ filename, message }) => ({ filename, lines: Number(/\((\d+)\)/.exec(message)?.[1]) }))
    .toSorted((a, b) => a.lines - b.lines);
  return Object.fromEntries(found.map(({ filename, lines }) => [filename, lines]));
}

describe('sources', () => {
  it(`are at most ${COLUMNS_MAX} columns wide`, () => {
    const wide = sources.flatMap((path) => {
      const lines = read(path)
        .split('\n')
        .flatMap((line, i) => (Array.from(withoutLiterals(line)).length > COLUMNS_MAX ? [i + 1] : []));
      return lines.length > (wideLines[path] ?? 0) ? [`${path}: ${lines.join(', ')}`] : [];
    });
    expect(wide).toEqual([]);
  });

  it(`are at most ${LINES_MAX} lines long`, () => {
    const long = sources.filter((path) => read(path).split('\n').length - 1 > (longFiles[path] ?? LINES_MAX));
    expect(long).toEqual([]);
  });

  it(`have functions of at most ${FUNCTION_LINES_MAX} lines`, () => {
    const found = functionsOver(FUNCTION_LINES_MAX);
    const grown = Object.entries(found).filter(([path, lines]) => lines > (longFunctions[path] ?? 0));
    expect(grown).toEqual([]);
    const mended = Object.keys(longFunctions).filter((path) => found[path] === undefined);
    expect(mended, 'take them off the list').toEqual([]);
  });

  it('are all used: by an import, a new URL, a package’s exports or a command that names them', () => {
    const used = new Set<string>();
    const naming = files.filter(
      (path) => /\.(ts|js|json|yml)$|Dockerfile|^\.ci\//.test(path) && path !== 'package-lock.json',
    );
    for (const path of naming) {
      const text = read(path);
      for (const [, beside] of text.matchAll(/['"`]((?:\.{1,2}\/)?[^'"`\s]+\.ts)['"`]/g))
        used.add(normalize(join(dirname(path), beside ?? '')));
      for (const [named] of text.matchAll(/\b(?:libs|services|deploy|load-tests|test)\/[\w./-]+\.ts\b/g))
        used.add(named);
    }
    const startsByItself = /\.(test|config|d)\.ts$|(^|\/)main\.ts$/;
    expect(sources.filter((path) => !startsByItself.test(path) && !used.has(path))).toEqual([]);
  });

  it('are named for what they hold', () => {
    const banned = /^(utils?|helpers?|common|manager|misc)$/;
    const named = (path: string): string[] => path.split('/').map((part) => part.replace(/\..*$/, ''));
    expect(files.filter((path) => named(path).some((part) => banned.test(part)))).toEqual([]);
    expect(sources.filter((path) => !/^[a-z0-9][a-z0-9.-]*\.ts$/.test(basename(path)))).toEqual([]);
  });

  it('give a reason with what they leave undone', () => {
    const mark = new RegExp(String.raw`\b(${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].join('|')})\b(?!\([^)]{8,}\))`);
    expect(sources.filter((path) => mark.test(read(path)))).toEqual([]);
  });

  it('say first what they are for', () => {
    const silent = sources.filter(
      (path) => !/(^|\/)(main|.*\.d)\.ts$/.test(path) && !/^(#!.*\n)?\s*(\/\*\*|\/\/)/.test(read(path)),
    );
    expect(silent).toEqual([]);
  });
});

describe('error codes', () => {
  const code = /\b[A-Z]{3,5}_ERR_[A-Z_]+[A-Z]\b/g;
  const foreign = /^(FST|UND|TST)_/;
  const tables = files.filter(
    (path) => /^(libs|services)\/[^/]+\/src\/errors\.ts$/.test(path) && path !== 'libs/kernel/src/errors.ts',
  );

  it.each(tables)('of %s stand in the README beside it', (path) => {
    const folder = dirname(dirname(path));
    expect(existsSync(join(root, folder, 'README.md')), `${folder}/README.md`).toBe(true);
    const page = read(`${folder}/README.md`);
    const codes = [...new Set(read(path).match(code))];
    expect(codes.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it('are listed wherever they are thrown', () => {
    const pages = files
      .filter((path) => /^(libs|services)\/[^/]+\/README\.md$/.test(path))
      .map(read)
      .join('\n');
    const thrown = sources
      .filter((path) => /^(libs|services)\/[^/]+\/src\//.test(path) && path !== 'libs/kernel/src/decision.ts')
      .flatMap((path) => read(path).match(code) ?? []);
    expect([...new Set(thrown)].filter((name) => !foreign.test(name) && !pages.includes(`\`${name}\``))).toEqual([]);
  });
});

describe('settings', () => {
  const configs = [
    'libs/service/src/config.ts',
    ...readdirSync(join(root, 'services')).map((name) => `services/${name}/src/config.ts`),
  ];
  type Shape = Readonly<Record<string, z.ZodType>>;

  const shapeOf = async (path: string): Promise<Shape> => {
    const module = (await import(join(root, path))) as { config?: z.ZodObject; sharedConfig?: z.ZodObject };
    return (module.config ?? module.sharedConfig ?? z.object({})).shape;
  };

  /** Follows from the table of providers: which provider's, and which of its settings. */
  const providerSetting = (name: string) => {
    const provider = table.find(({ env }) => name.startsWith(`${env}_`));
    return provider === undefined ? undefined : { suffix: name.slice(provider.env.length) };
  };

  it.each(configs)('of %s say in a sentence what they do', async (path) => {
    const silent = Object.entries(await shapeOf(path)).filter(
      ([name, type]) => (type.description ?? '').length < 8 && name !== 'APP_ENV',
    );
    expect(silent.map(([name]) => name)).toEqual([]);
  });

  it.each(configs)('of %s are in capitals and stand in the README beside it', async (path) => {
    const page = read(`${dirname(dirname(path))}/README.md`);
    const shape = await shapeOf(path);
    expect(Object.keys(shape).filter((name) => !/^[A-Z][A-Z0-9_]+$/.test(name))).toEqual([]);
    // A provider's settings stand in one sentence, each by its ending.
    const missing = Object.keys(shape).filter(
      (name) =>
        !page.includes(`\`${name}\``) &&
        !page.includes(`\`…${providerSetting(name)?.suffix ?? name}\``) &&
        name !== 'APP_ENV',
    );
    expect(missing).toEqual([]);
  });

  it.each(configs)('of %s are read somewhere outside it', async (path) => {
    const code = sources
      .filter((file) => file.startsWith(`${dirname(path)}/`) && file !== path)
      .map((file) => read(file).replaceAll(/\/\*[^]*?\*\/|(?<!:)\/\/.*/g, ''))
      .join('\n');
    const isRead = (name: string): boolean => {
      const suffix = providerSetting(name)?.suffix;
      return suffix === undefined
        ? new RegExp(String.raw`\.${name}\b|[{,]\s*${name}\s*[:,}=]`).test(code)
        : code.includes(`[\`\${env}${suffix}\`]`);
    };
    expect(Object.keys(await shapeOf(path)).filter((name) => !isRead(name))).toEqual([]);
  });
});

describe('tracked files', () => {
  const host = (...labels: readonly string[]): string => labels.join('.');

  it('name no package registry: every machine has its own', () => {
    const hosts = [
      host('registry', 'npmjs', 'org'),
      host('registry', 'yarnpkg', 'com'),
      host('pypi', 'org'),
      host('files', 'pythonhosted', 'org'),
      host('repo', 'maven', 'apache', 'org'),
      host('repo1', 'maven', 'org'),
      host('proxy', 'golang', 'org'),
    ];
    expect(files.filter((path) => !path.endsWith('.csv') && hosts.some((name) => read(path).includes(name)))).toEqual(
      [],
    );
  });

  it('name no mailbox that could be somebody’s', () => {
    // Compared with, never written to: a free-mail domain, a real company's that must be refused, a credential in a URL.
    const compared = ['ann@gmail.com', 'zoe.quixote@cigna.com', 'pass@example.com'];
    const mailbox = /[A-Za-z0-9._+-]+@(?:[A-Za-z0-9-]+\.)+[a-z]{2,}/g;
    const strangers = files
      .filter(
        (path) =>
          /\.(ts|csv|json|sql|md|yml|liquid)$/.test(path) &&
          basename(path) !== 'package-lock.json' &&
          !path.startsWith('test/boundaries/fixtures/'),
      )
      .flatMap((path) =>
        (read(path).match(mailbox) ?? [])
          .filter((found) => !/\.(example|test|invalid)$/.test(found) && !compared.includes(found))
          .map((found) => `${path}: ${found}`),
      );
    expect(strangers).toEqual([]);
  });
});
