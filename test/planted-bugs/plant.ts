/** Puts a bug into the text of a source file. It is in what runs, never in what is shipped: no file on the disk changes. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Bug } from './catalogue/bug.ts';
import { bugNamed } from './catalogue/index.ts';

const root = join(import.meta.dirname, '../..');
const VARIABLE = 'LEADFLOOD_PLANTED_BUG';

/** The files that a bug is in, absolute. */
export const filesOf = (bug: Bug): Set<string> => new Set(bug.edits.map(({ file }) => join(root, file)));

/**
 * The text of `path` with the bug in it, or as it is where the bug is not in that file. Throws where the source has moved away
 * from under an edit: a bug that is silently not there would count as one that no test catches, or worse, as caught.
 */
export function plant(bug: Bug, path: string, text: string): string {
  return bug.edits
    .filter(({ file }) => join(root, file) === path)
    .reduce((planted, { file, find, put }) => {
      const times = planted.split(find).length - 1;
      if (times !== 1) throw new Error(`${file} has ${times} times what the planted bug replaces: ${find}`);
      return planted.replace(find, () => put);
    }, text);
}

/** The bug that this process is asked to have, or null. */
export function plantedHere(environment: NodeJS.ProcessEnv = process.env): Bug | null {
  const name = environment[VARIABLE] ?? '';
  return name === '' ? null : bugNamed(name);
}

/** Gives a process, and every process that it starts, the bug: each is told to load the hooks before anything else. */
export function environmentWith(bug: string): Record<string, string> {
  bugNamed(bug);
  const hooks = pathToFileURL(join(import.meta.dirname, 'hooks.ts')).href;
  return { [VARIABLE]: bug, NODE_OPTIONS: `${process.env['NODE_OPTIONS'] ?? ''} --import=${hooks}`.trim() };
}
