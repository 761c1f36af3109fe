/** The linter must refuse every fixture, for the reason that its first line names, and let the allowed ones pass. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

const root = join(import.meta.dirname, '../..');
const fixtures = join(import.meta.dirname, 'fixtures');

const report = z.object({
  diagnostics: z.array(
    z.object({ message: z.string(), help: z.string().optional(), code: z.string().optional(), filename: z.string() }),
  ),
});

const files = readdirSync(fixtures, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .toSorted()
  .map((name) => ({ name, verdict: readFileSync(join(fixtures, name), 'utf8').split('\n')[0] ?? '' }));

const said = new Map<string, string[]>();
let copy: string;

/** In a folder of their own, with the repository's rules: in the repository itself the fixtures are ignored. */
beforeAll(async () => {
  copy = mkdtempSync(join(tmpdir(), 'boundaries-'));
  cpSync(fixtures, copy, { recursive: true });
  cpSync(join(root, 'oxlint.config.ts'), join(copy, 'oxlint.config.ts'));
  const oxlint = join(root, 'node_modules/oxlint/bin/oxlint');
  // Exit code 1 is the point here; what it found is on stdout.
  const { stdout } = await promisify(execFile)(process.execPath, [oxlint, '-f', 'json'], { cwd: copy }).catch(
    (error: { stdout: string }) => error,
  );
  for (const { filename, message, help } of report.parse(JSON.parse(stdout)).diagnostics) {
    said.set(filename, [...(said.get(filename) ?? []), `${message} ${help ?? ''}`]);
  }
});

afterAll(() => {
  rmSync(copy, { recursive: true, force: true });
});

describe('the import rule', () => {
  it.each(files.filter(({ verdict }) => verdict.startsWith('// must fail: ')))('refuses $name', ({ name, verdict }) => {
    expect((said.get(name) ?? []).join('\n')).toContain(verdict.slice('// must fail: '.length));
  });

  it.each(files.filter(({ verdict }) => verdict === '// may pass'))('lets $name pass', ({ name }) => {
    expect(said.get(name) ?? []).toEqual([]);
  });

  it('has fixtures that say what is expected of them', () => {
    expect(files.filter(({ verdict }) => !/^\/\/ (must fail: \S|may pass$)/.test(verdict))).toEqual([]);
    expect(files.length).toBeGreaterThan(25);
  });
});
