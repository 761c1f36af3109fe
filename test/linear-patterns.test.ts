/**
 * Text from outside meets our regular expressions, and one that backtracks lets a stranger's mail stop a process. Every
 * literal of the libraries and services is judged by recheck, whose answer is an attack that works, or that there is none.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { parse } from 'acorn';
import type { Token } from 'acorn';
import { beforeAll, describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');

/** For one pattern, milliseconds. The slowest needs 7 s here; one that needs more fails as "unknown". */
const TIMEOUT_MS = 60_000;

type Pattern = { readonly at: string; readonly source: string; readonly flags: string };
type Verdict = { readonly status: 'safe' | 'vulnerable' | 'unknown'; readonly attack?: { readonly pattern: string } };

/** Literals as tokens of the program, since a slash in text or a comment is none. */
export function patternsIn(path: string, typescript: string): Pattern[] {
  const patterns: Pattern[] = [];
  parse(stripTypeScriptTypes(typescript), {
    ecmaVersion: 'latest',
    sourceType: 'module',
    locations: true,
    onToken: (token) => {
      if (token.type.label !== 'regexp') return;
      const { pattern, flags } = (token as Token & { value: { pattern: string; flags: string } }).value;
      patterns.push({ at: `${path}:${token.loc?.start.line ?? 0}`, source: pattern, flags });
    },
  });
  return patterns;
}

let judge: (pattern: Pattern) => string | null;

beforeAll(async () => {
  // Read when it is loaded: without it a worker of Java or of a binary is looked for first.
  process.env['RECHECK_SYNC_BACKEND'] = 'pure';
  process.env['RECHECK_BACKEND'] = 'pure';
  const { checkSync } = await import('recheck');
  judge = ({ at, source, flags }) => {
    const { status, attack } = checkSync(source, flags, { timeout: TIMEOUT_MS }) as Verdict;
    return status === 'safe'
      ? null
      : `${at} /${source}/${flags} is ${status}: ${attack?.pattern ?? 'no answer in time'}`;
  };
});

describe('regular expressions', () => {
  const sources = execFileSync('git', ['ls-files', 'libs/*/src/**', 'services/*/src/**'], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((path) => path.endsWith('.ts'));
  const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

  it('are found where they stand, and not in text or comments', () => {
    const found = patternsIn(
      'a.ts',
      "const a: RegExp = /x+/g; // a /y+/ here\nconst b = 4 / 2 / 1, c = '/z+/', d = f(/[/]w/u);",
    );
    expect(found.map(({ at, source, flags }) => `${at} ${source} ${flags}`)).toEqual(['a.ts:1 x+ g', 'a.ts:2 [/]w u']);
  });

  it('that backtrack are seen', () => {
    const verdicts = ['(a+)+$', String.raw`\/+$`, '<[^>]{0,2000}>'].map((source) =>
      judge({ at: 'here', source, flags: '' }),
    );
    expect(verdicts.map((verdict) => verdict?.includes('is vulnerable'))).toEqual([true, true, true]);
  });

  it('are all linear', { timeout: 300_000 }, () => {
    const patterns = sources.flatMap((path) => patternsIn(path, textOf(path)));
    expect(patterns.length).toBeGreaterThan(50);
    const different = new Map(patterns.map((pattern) => [`/${pattern.source}/${pattern.flags}`, pattern]));
    expect([...different.values()].flatMap((pattern) => judge(pattern) ?? [])).toEqual([]);
  });

  it('are literals: what is put together at run time nobody has judged', () => {
    expect(sources.filter((path) => /\bRegExp\(/.test(textOf(path)))).toEqual([]);
  });
});
