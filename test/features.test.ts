/** docs/features.md and the tests say the same, in both directions. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isRequirement, page, proofsIn, readProofs, readRows, render, toRows } from './features.ts';

const proofs = readProofs();
const text = readFileSync(page, 'utf8');
const rows = readRows(text);

describe('docs/features.md', () => {
  it('has every title that names a requirement', () => {
    const listed = new Set(rows.flatMap(({ id, titles }) => titles.map((title) => `${id}: ${title}`)));
    expect(proofs.map(({ id, title }) => `${id}: ${title}`).filter((proof) => !listed.has(proof))).toEqual([]);
  });

  it('names only titles that exist, and only requirements that they name', () => {
    const proven = new Set(proofs.map(({ id, title }) => `${id}: ${title}`));
    const claimed = rows.flatMap(({ id, titles }) => titles.map((title) => `${id}: ${title}`));
    expect(claimed.filter((claim) => !proven.has(claim))).toEqual([]);
  });

  it('says of every row what it is, in words', () => {
    expect(rows.filter(({ words }) => words.length < 10).map(({ id }) => id)).toEqual([]);
  });

  it('says of every row whether it is whole, and what is missing of those that are not', () => {
    expect(rows.filter(({ extent }) => !/^(?:whole|claimed|part: .{10,})$/.test(extent)).map(({ id }) => id)).toEqual(
      [],
    );
  });

  it('is what test/features.ts --write would write', () => {
    expect(text).toBe(render(toRows(proofs, new Map(rows.map((row) => [row.id, row])))));
  });
});

describe('titles', () => {
  it('name requirements by ids of the product’s list', () => {
    expect(proofs.filter(({ id }) => !isRequirement(id))).toEqual([]);
  });

  it('are read from it, test, describe and tables of cases, with several ids, but not from skipped ones', () => {
    const source = [
      'it(`[GW-01] plain`, f)',
      'it.each(rows)("[GW-02] [GW-03] a %s", f)',
      'describe.concurrent(`[GW-04, C-17] both`, f)',
      'it.skip(`[GW-05] not yet`, f)',
      'call(`[GW-06] no title`)',
    ];
    expect(proofsIn(source.join('\n').replaceAll('"', '`'), 'here').map(({ id }) => id)).toEqual([
      'GW-01',
      'GW-02',
      'GW-03',
      'GW-04',
      'C-17',
    ]);
  });
});
