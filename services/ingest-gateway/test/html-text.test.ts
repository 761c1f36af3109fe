/** Words out of a stranger's HTML: what is read, and that nothing makes the reading slow. */
import { describe, expect, it } from 'vitest';
import { readHtml } from '../src/webhooks-in/html-text.ts';

const bounds = { lengthMax: 20_000, htmlMax: 2_000_000 };
const million = (piece: string): string => piece.repeat(Math.ceil(1_000_000 / piece.length));

describe('the words of HTML', () => {
  it.each([
    ['<p>Yes, <b>call</b> me.</p>', 'Yes, call me.'],
    ['one<br>two<div>three</div>four', 'one\ntwo\nthree\nfour'],
    ['<style>p { color: red }</style><p>seen</p><script>alert("<p>not</p>")</script>', 'seen'],
    ['<title>no</title>R&amp;D &lt;x&gt; &#233; caf&eacute; &nonsense; &', 'R&D <x> é café &nonsense; &'],
    ['a < b and <!-- not --> c', 'a < b and c'],
    ['plain words', 'plain words'],
    ['<p unclosed', ''],
    ['', ''],
  ])('of %j are %j', (html, words) => {
    expect(readHtml(html, bounds)).toBe(words);
  });

  it('are as many as asked for, of as much as may be read', () => {
    expect(readHtml('x'.repeat(100), { lengthMax: 10, htmlMax: 50 })).toBe('x'.repeat(10));
    expect(readHtml(`${'<i>'.repeat(20)}late`, { lengthMax: 10, htmlMax: 51 })).toBe('');
  });

  it.each([
    '<',
    '<!',
    '<!--',
    '<!-- --!',
    '<![CDATA[',
    '&',
    '&#',
    '&#1',
    '&a',
    '<a ',
    '<a b="',
    '<div>',
    '<p></div>',
    '<svg><p>',
    '<script>',
    '<title></',
    '</scrip',
    '<br>',
    '\n',
    ' ',
  ])('of a megabyte of %j are read in time', (piece) => {
    const html = million(piece);
    const before = performance.now();
    for (const hostile of [html, `<div>${html}</i></div>`, `<script>${html}`])
      expect(readHtml(hostile, bounds).length).toBeLessThanOrEqual(20_000);
    expect(performance.now() - before).toBeLessThan(3_000);
  });
});
