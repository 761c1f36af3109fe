/** The list of planted bugs is kept: each is in the code once or more, has suites that exist, and never reaches production. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planted, plantedBugs, readPlantedBug } from '@lead-flood/kernel';
import type { PlantedBug } from '@lead-flood/kernel';
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
