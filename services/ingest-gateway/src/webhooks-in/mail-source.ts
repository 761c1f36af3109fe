/**
 * A mail without the bulk of its files, before it is parsed: the parser needs 10 µs for a line, however short, so a
 * megabyte of empty ones would hold the process for five seconds, and a large file's lines are for nobody here.
 */

/** A quarter of a second of parsing at most, with room for a long thread quoted below an answer. */
const LINES_MAX = 10_000;
/** Of several long lines: what is read of a mail (`TEXT_MAX`, `HTML_MAX`) is less. */
const CHARACTERS_MAX = 2_000_000;
/** Lines of base64 in a row that are kept: 57 kB, since texts are sent in base64 too. Behind them it is a file. */
const BASE64_LINES_MAX = 1_000;
const BASE64_LINE = /^[A-Za-z0-9+/=]{60,76}\r?\n?$/;
/** Longer than any line that the pattern takes, so that a long line is not looked through. */
const BASE64_LINE_LENGTH_MAX = 78;

export function dropFiles(raw: string): string {
  const kept: string[] = [];
  let characters = 0;
  let base64Lines = 0;
  for (let start = 0; start < raw.length && kept.length < LINES_MAX && characters < CHARACTERS_MAX;) {
    const at = raw.indexOf('\n', start);
    const end = at === -1 ? raw.length : at + 1;
    const isBase64 = end - start <= BASE64_LINE_LENGTH_MAX && BASE64_LINE.test(raw.slice(start, end));
    base64Lines = isBase64 ? base64Lines + 1 : 0;
    if (base64Lines <= BASE64_LINES_MAX) {
      kept.push(raw.slice(start, Math.min(end, start + CHARACTERS_MAX - characters)));
      characters += end - start;
    }
    start = end;
  }
  return kept.join('');
}
