/** A call tree as a picture: a frame's width is its time with all that it called, callers above, one SVG without a script. */
import type { Call } from './cpu-profile.ts';
import { moveOf } from './moves.ts';

const WIDTH = 1_600;
const ROW = 15;
/** Thinner frames are left out, with what they called: nobody can read them. */
const WIDTH_MIN = 1;
const CHARACTER = 6.2;

type Box = {
  readonly x: number;
  readonly depth: number;
  readonly width: number;
  readonly text: string;
  readonly ms: number;
  readonly move: string | null;
};

const isWork = (call: Call): boolean => call.frame.name !== '(idle)';

const totalOf = (call: Call): number =>
  call.selfUs + call.calls.filter(isWork).reduce((sum, inner) => sum + totalOf(inner), 0);

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const fileOf = (url: string): string => url.split('/').slice(-2).join('/');

/** The same move has the same colour in every picture. */
function colourOf(move: string | null): string {
  if (move === null) return '#ddd';
  const hue = Buffer.from(move).reduce((sum, byte) => (sum * 31 + byte) % 360, 40);
  return `hsl(${hue} 65% 72%)`;
}

export function flameGraph(title: string, root: Call): string {
  const total = totalOf(root);
  const scale = WIDTH / Math.max(1, total);
  const boxes: Box[] = [];
  const place = (call: Call, x: number, depth: number): void => {
    const us = totalOf(call);
    if (us * scale < WIDTH_MIN) return;
    const { name, url } = call.frame;
    const text = url === '' ? name : `${name} ${fileOf(url)}`;
    boxes.push({ x: x * scale, depth, width: us * scale, text, ms: us / 1_000, move: moveOf(call.frame) });
    let next = x + call.selfUs;
    for (const inner of call.calls.filter(isWork).toSorted((a, b) => totalOf(b) - totalOf(a))) {
      place(inner, next, depth + 1);
      next += totalOf(inner);
    }
  };
  place(root, 0, 0);
  const height = (Math.max(0, ...boxes.map((box) => box.depth)) + 3) * ROW;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="monospace" font-size="10">`,
    `<text x="4" y="12">${escape(title)}: ${Math.round(total / 1_000)} ms of work</text>`,
    ...boxes.map(toSvg),
    '</svg>\n',
  ].join('\n');
}

function toSvg({ x, depth, width, text, ms, move }: Box): string {
  const y = (depth + 1.5) * ROW;
  const label = text.slice(0, Math.floor(width / CHARACTER));
  return [
    `<g><title>${escape(`${text}: ${ms.toFixed(1)} ms${move === null ? '' : ` (${move})`}`)}</title>`,
    `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 1}" fill="${colourOf(move)}"/>`,
    label.length > 2 ? `<text x="${(x + 2).toFixed(1)}" y="${y + 10}">${escape(label)}</text>` : '',
    '</g>',
  ].join('');
}
