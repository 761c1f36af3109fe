/** The list of planted bugs is kept: each can be put into today's source, has suites that exist, and is in nothing that is shipped. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bugNames, plantedBugs } from './catalogue/index.ts';
import type { Outcome } from './outcome.ts';
import { compare, readOutcome } from './outcome.ts';
import { environmentWith, filesOf, plant, plantedHere } from './plant.ts';
import { suites } from './suites.ts';

const root = join(import.meta.dirname, '../..');

describe('planted bugs', () => {
  it('are none unless somebody asks, and none under a name that is none', () => {
    expect(plantedHere({})).toBe(null);
    expect(plantedHere({ LEADFLOOD_PLANTED_BUG: 'no-fencing' })).toBe(plantedBugs['no-fencing']);
    expect(() => plantedHere({ LEADFLOOD_PLANTED_BUG: 'toString' })).toThrow('there is no planted bug toString');
    expect(() => environmentWith('no-such-bug')).toThrow('there is no planted bug no-such-bug');
  });

  it('are in nothing that is shipped', () => {
    const naming = ['libs', 'services', 'deploy'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((path) => /(^|\/)src\/.*\.ts$/.test(path) && !path.includes('node_modules'))
        .filter((path) => /planted\(|LEADFLOOD_PLANTED/.test(readFileSync(join(root, folder, path), 'utf8'))),
    );
    expect(naming).toEqual([]);
  });

  it.each(bugNames)('%s can be put into today’s source, and the suites that ought to catch it exist', (name) => {
    const bug = plantedBugs[name];
    for (const path of filesOf(bug)) {
      const text = readFileSync(path, 'utf8');
      const planted = plant(bug, path, text);
      expect(planted).not.toBe(text);
      expect(() => stripTypeScriptTypes(planted)).not.toThrow();
    }
    expect(suites[name].filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  it('are refused where the source has moved away from under them, or has the place twice', () => {
    const bug = { says: '', edits: [{ file: 'a.ts', find: 'keep();', put: '' }] };
    expect(() => plant(bug, join(root, 'a.ts'), 'kept();')).toThrow('a.ts has 0 times');
    expect(() => plant(bug, join(root, 'a.ts'), 'keep(); keep();')).toThrow('a.ts has 2 times');
    expect(plant(bug, join(root, 'b.ts'), 'keep();')).toBe('keep();');
  });

  it('are in a program that is started with the hooks, and in the threads that it starts', () => {
    const program = `
      import { fairChunks } from ${JSON.stringify(pathToFileURL(join(root, 'libs/processor/src/fair-chunks.ts')).href)};
      import { Worker, isMainThread } from 'node:worker_threads';
      console.log(JSON.stringify([...fairChunks([[1, 2], [3, 4]], 2)]));
      if (isMainThread) new Worker(new URL('data:text/javascript,' + encodeURIComponent(process.env.PROGRAM)));`;
    const said = (env: Record<string, string>) =>
      spawnSync('node', ['--input-type=module', '--eval', program], {
        env: { ...process.env, PROGRAM: program, ...env },
        encoding: 'utf8',
      });
    const without = '[[1,3],[2,4]]\n';
    const withBug = '[[1,2],[3,4]]\n';
    expect(said({ NODE_OPTIONS: '' })).toMatchObject({ stdout: without.repeat(2) });
    expect(said(environmentWith('partition-after-partition'))).toMatchObject({ stdout: withBug.repeat(2) });
  });
});

const reportOf = (tests: readonly (readonly [string, string])[], message = ''): string =>
  JSON.stringify({
    testResults: [{ message, assertionResults: tests.map(([fullName, status]) => ({ fullName, status })) }],
  });

describe('a run of a test file', () => {
  it('is a failure by the first test that failed', () => {
    const text = reportOf([
      ['one', 'passed'],
      ['two', 'failed'],
    ]);
    expect(readOutcome(text, 1)).toEqual({ kind: 'failed', test: 'two' });
    expect(readOutcome(reportOf([['one', 'passed']]), 0)).toEqual({ kind: 'passed', tests: ['one'] });
  });

  it('that could not be run is neither: an import error, a set-up that failed, nothing run, a hang', () => {
    expect(readOutcome(reportOf([], 'Cannot find module ./x.ts\n at y'), 1)).toEqual({
      kind: 'broken',
      why: 'Cannot find module ./x.ts',
    });
    const skipped = reportOf([['one', 'skipped']], 'beforeAll: no server');
    expect(readOutcome(skipped, 1)).toEqual({ kind: 'broken', why: 'beforeAll: no server' });
    expect(readOutcome(reportOf([['one', 'skipped']]), 0)).toEqual({ kind: 'broken', why: 'no test was run' });
    expect(readOutcome(null, 1)).toEqual({ kind: 'broken', why: 'left no report (code 1)' });
    expect(readOutcome(reportOf([['one', 'passed']]), null)).toEqual({ kind: 'broken', why: 'did not end' });
  });
});

describe('a bug', () => {
  const file = 'some.test.ts';
  const [failed, passed, broken]: readonly Outcome[] = [
    { kind: 'failed', test: 'two' },
    { kind: 'passed', tests: ['one', 'two'] },
    { kind: 'broken', why: 'did not end' },
  ] as const;
  const against = (planted: Outcome, control: Outcome) => compare(file, planted, () => Promise.resolve(control));

  it('is caught by a test that passes without it', async () => {
    expect(await against(failed, passed)).toEqual({ by: 'two', why: [] });
    expect(await against(passed, passed)).toEqual({ by: null, why: [] });
  });

  it('is not caught by a test that fails anyway, nor by a file that could not be run', async () => {
    for (const [planted, control] of [
      [failed, failed],
      [failed, broken],
      [failed, { kind: 'passed', tests: ['one'] }],
      [broken, passed],
    ] as const)
      expect(await against(planted, control)).toEqual({ by: null, why: [expect.stringContaining(file)] });
  });
});
