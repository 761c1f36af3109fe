/** The list of planted bugs is kept: each is in the code once or more, has suites that exist, and never reaches production. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planted, plantedBugs, readPlantedBug } from '@lead-flood/kernel';
import type { PlantedBug } from '@lead-flood/kernel';
import type { Outcome } from './outcome.ts';
import { compare, readOutcome } from './outcome.ts';
import { suites } from './suites.ts';

const root = join(import.meta.dirname, '../..');
const names = Object.keys(plantedBugs) as PlantedBug[];

const sources = ['libs', 'services'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => /^[\w-]+\/src\/.*\.ts$/.test(path) && !path.endsWith('kernel/src/planted.ts'))
    .map((path) => readFileSync(join(root, folder, path), 'utf8')),
);

describe('planted bugs', () => {
  it('are none unless somebody asks', () => {
    expect(names.filter(planted)).toEqual([]);
    expect(readPlantedBug({})).toBe(null);
    expect(readPlantedBug({ LEADFLOOD_PLANTED_BUG: 'no-version-guard', APP_ENV: 'test' })).toBe('no-version-guard');
  });

  it.each(['production', 'staging'])('are refused in %s', (surroundings) => {
    expect(() => readPlantedBug({ LEADFLOOD_PLANTED_BUG: 'no-fencing', APP_ENV: surroundings })).toThrow('refused');
  });

  it('are refused under a name that is none', () => {
    expect(() => readPlantedBug({ LEADFLOOD_PLANTED_BUG: 'toString' })).toThrow('there is no planted bug toString');
  });

  it.each(names)('%s is in what is shipped, and the suites that ought to catch it exist', (name) => {
    expect(sources.some((text) => text.includes(`planted('${name}')`))).toBe(true);
    expect(suites[name].filter((file) => !existsSync(join(root, file)))).toEqual([]);
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
