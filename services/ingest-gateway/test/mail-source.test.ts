/** What is left of a mail before it is parsed. */
import { describe, expect, it } from 'vitest';
import { dropFiles } from '../src/webhooks-in/mail-source.ts';

const base64 = (lines: number): string => `${'QUJD'.repeat(19)}\r\n`.repeat(lines);

describe('a mail without its files', () => {
  it.each(['', 'From: a@b.example\r\n\r\nHello\r\n', 'no line end', 'a\n\nb\rc', `x\r\n\r\n${base64(1_000)}--x--\r\n`])(
    'that has none is as it was (%#)',
    (raw) => {
      expect(dropFiles(raw)).toBe(raw);
    },
  );

  it('keeps what stands before and behind a file', () => {
    const raw = `before\r\n${base64(50_000)}between\r\n${base64(50_000)}behind\r\n`;
    expect(dropFiles(raw)).toBe(`before\r\n${base64(1_000)}between\r\n${base64(1_000)}behind\r\n`);
  });

  it.each(['\n', 'x\n', 'x', '<', 'a '.repeat(50), `${'A'.repeat(70)}\n--a\n`])(
    'of four megabytes of %j is bounded in lines and characters',
    (piece) => {
      const before = performance.now();
      const left = dropFiles(piece.repeat(4_000_000 / piece.length));
      expect(left.split('\n').length).toBeLessThanOrEqual(10_001);
      expect(left.length).toBeLessThanOrEqual(2_000_000);
      expect(performance.now() - before).toBeLessThan(1_000);
    },
  );
});
