/**
 * The words of a stranger's HTML, for reading and not for showing. Only htmlparser2's tokenizer is used: its parser, and
 * html-to-text above it, keep a stack of open elements and need 35 s for a megabyte of nested or mismatched tags, and
 * the tokenizer 0.1 s at most. What nests how is of no interest for words.
 */
import { Tokenizer } from 'htmlparser2';

/** Whose content is never shown. */
const HIDDEN = new Set(['script', 'style', 'title', 'template', 'noscript']);
/** Which begin and end a line; all others stand within one. */
const BLOCKS = new Set(
  'address article blockquote br dd div dl dt footer h1 h2 h3 h4 h5 h6 header hr li main ol p pre section table tr ul'.split(
    ' ',
  ),
);

/** At most `lengthMax` characters, of at most `htmlMax` read: what is behind them nobody reads. */
export function readHtml(html: string, { lengthMax, htmlMax }: { lengthMax: number; htmlMax: number }): string {
  const source = html.slice(0, htmlMax);
  const parts: string[] = [];
  let length = 0;
  let hidden: string | null = null;
  const say = (text: string): void => {
    if (hidden !== null || length > htmlMax) return;
    parts.push(text);
    length += text.length;
  };
  const nothing = (): void => undefined;
  const nameAt = (start: number, end: number): string => source.slice(start, end).toLowerCase();
  const tokenizer = new Tokenizer(
    { decodeEntities: true },
    {
      ontext: (start, end) => say(source.slice(start, end).replaceAll(SPACE, ' ')),
      ontextentity: (codepoint) => say(String.fromCodePoint(codepoint)),
      onopentagname: (start, end) => {
        const name = nameAt(start, end);
        if (hidden === null && HIDDEN.has(name)) hidden = name;
        say(BLOCKS.has(name) ? '\n' : ' ');
      },
      onclosetag: (start, end) => {
        const name = nameAt(start, end);
        if (name === hidden) hidden = null;
        say(BLOCKS.has(name) ? '\n' : ' ');
      },
      onopentagend: nothing,
      onselfclosingtag: nothing,
      onattribname: nothing,
      onattribdata: nothing,
      onattribentity: nothing,
      onattribend: nothing,
      oncdata: nothing,
      oncomment: nothing,
      ondeclaration: nothing,
      onprocessinginstruction: nothing,
      onend: nothing,
    },
  );
  tokenizer.write(source);
  tokenizer.end();
  return inLines(parts.join('')).slice(0, lengthMax);
}

const SPACE = /\s/g;

const inLines = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.split(SPACE).filter(Boolean).join(' '))
    .filter((line) => line !== '')
    .join('\n');
