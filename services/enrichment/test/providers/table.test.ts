/** What is written down of the providers elsewhere, against the table: the README, the compose file, the local product. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { config } from '../../src/config.ts';
import { openProviders } from '../../src/providers/open.ts';
import { table } from '../../src/providers/table.ts';
import type { Windows } from '../../src/providers/define-adapter.ts';
import { sandboxName } from '../sandbox-settings.ts';

const read = (path: string): string => readFileSync(join(import.meta.dirname, '../../../..', path), 'utf8');
const cells = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
const number = (value: number | undefined): string => (value === undefined ? '' : value.toLocaleString('en'));

describe.each(table)('$name', (adapter) => {
  const { name, env } = adapter;
  const windows: Windows = adapter.quota;

  it('stands in the README with the start of its settings, its price and its windows', () => {
    const row = read('services/enrichment/README.md')
      .split('\n')
      .map(cells)
      .find(([first]) => first === `\`${name}\``);
    const { perSecond, perMinute } = windows;
    expect(row).toEqual([`\`${name}\``, `\`${env}_\``, number(adapter.price), number(perSecond), number(perMinute)]);
  });

  it.each(['docker-compose.yml', 'deploy/local/src/product.ts'])(
    'has a key, the sandbox’s address and no window in %s',
    (path) => {
      const text = read(path);
      const value = (setting: string): string | undefined =>
        new RegExp(String.raw`^ *${env}_${setting}: (.*?),?$`, 'm').exec(text)?.[1];
      expect(value('API_KEY')).toBeDefined();
      expect(value('BASE_URL')).toMatch(new RegExp(String.raw`[/'(]${sandboxName(name)}'?\)?$`));
      expect(value('PER_MINUTE')).toBe("'0'");
      if (windows.perSecond !== undefined) expect(value('PER_SECOND')).toBe("'0'");
    },
  );

  it('is there with a key alone, and begins nobody else’s settings', async () => {
    const providers = openProviders(config.parse({ [`${env}_API_KEY`]: 'k' }), { info: () => {}, warn: () => {} });
    expect(providers.adapters.map((each) => each.name)).toEqual([name]);
    expect(providers.prices[name]).toBe(adapter.price);
    await providers.stop();
    expect(table.filter((other) => `${other.env}_`.startsWith(`${env}_`))).toHaveLength(1);
    expect(env).toMatch(/^[A-Z][A-Z0-9]*$/);
  });
});
