/** The table of codes is closed: code, README and prefix say the same. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { providerErrors } from '../src/errors.ts';

test('README.md lists exactly the codes of errors.ts, with the same words', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const listed = [...readme.matchAll(/^\| `(PRV_ERR_[A-Z_]+)` +\| (.+?) +\|$/gm)].map(([, code, words]) => [
    code,
    words,
  ]);
  expect(Object.fromEntries(listed)).toEqual(providerErrors);
  expect(listed).toHaveLength(Object.keys(providerErrors).length);
});
