/**
 * A CSV file as leads, read as a stream and checked row by row. A file that is broken as a whole (header, quotes, size)
 * is refused before anything of it is kept; a bad row costs only itself.
 */
import { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import type { Parser } from 'csv-parse';
import { parse as parseWhole } from 'csv-parse/sync';
import { cleanText } from '@lead-flood/contracts';
import { CodedError } from '@lead-flood/kernel';
import type { Column } from '../domain/lead-columns.ts';
import { guessDelimiter, readHeader, toLeadFields } from '../domain/lead-columns.ts';
import type { Row } from './lead-intake.ts';
import { checkRow } from './lead-intake.ts';

const HEAD_BYTES_MAX = 65_536;
const RECORD_CHARACTERS_MAX = 65_536;
const COLUMNS_MAX = 200;
/** Some ten milliseconds of reading. */
const ROWS_AT_ONCE = 1_000;
const REPLACEMENT = '\ufffd';

/** The first line alone, for a refusal as early as can be; what it cannot tell yet is told by `countRows`. */
export function checkHead(head: Buffer): void {
  const text = textOf(head);
  const [line = ''] = text.split(/\r?\n/, 1);
  const isCut = line.length === text.length || line.split('"').length % 2 === 0;
  if (isCut) return;
  const cells = firstOf(line, guessDelimiter(text));
  if (cells !== undefined) columnsOf(cells);
}

function firstOf(line: string, delimiter: string): readonly string[] | undefined {
  try {
    return parseWhole(line, { bom: true, delimiter })[0];
  } catch (error) {
    throw asBroken(error);
  }
}

/**
 * The number of rows of a sound file. Throws IGW_ERR_CSV_HEADER, _CSV_BROKEN or _TOO_MANY_ROWS. `standBack` is called after
 * each thousand of them.
 */
export async function countRows(
  file: AsyncIterable<Buffer>,
  rowsMax: number,
  standBack: () => Promise<void>,
): Promise<number> {
  let rows = 0;
  for await (const _row of records(file)) {
    rows += 1;
    // At once: 5 million rows fit into 10 MB, and parsing them to say how many takes half a minute of a core.
    if (rows > rowsMax) throw new CodedError('IGW_ERR_TOO_MANY_ROWS', `the file has more than ${rowsMax} rows`);
    if (rows % ROWS_AT_ONCE === 0) await standBack();
  }
  return rows;
}

/**
 * The rows from the one behind `after` on, numbered from 1. `standBack` is called after each thousand of those before it: of
 * the others whoever takes them in sees to it.
 */
export async function* readLeads(
  file: AsyncIterable<Buffer>,
  after: number,
  standBack: () => Promise<void>,
): AsyncGenerator<Row> {
  let row = 0;
  for await (const { columns, cells } of records(file)) {
    row += 1;
    if (row > after) yield checkCells(row, columns, cells);
    else if (row % ROWS_AT_ONCE === 0) await standBack();
  }
}

type CsvRecord = { readonly columns: readonly Column[]; readonly cells: readonly string[] };

async function* records(file: AsyncIterable<Buffer>): AsyncGenerator<CsvRecord> {
  const { delimiter, all } = await withDelimiter(file);
  const parser: Parser = parse({
    bom: true,
    delimiter,
    // A row with too many or too few cells is that row's own fault.
    relax_column_count: true,
    skip_empty_lines: true,
    max_record_size: RECORD_CHARACTERS_MAX,
  });
  const source = Readable.from(all, { objectMode: false });
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);
  let columns: readonly Column[] | null = null;
  try {
    for await (const cells of parser as AsyncIterable<string[]>) {
      if (columns === null) columns = columnsOf(cells);
      else yield { columns, cells };
    }
  } catch (error) {
    throw asBroken(error);
  } finally {
    source.destroy();
  }
  if (columns === null) throw new CodedError('IGW_ERR_CSV_HEADER', 'the file is empty');
}

const asBroken = (error: unknown): unknown =>
  error instanceof CsvError
    ? new CodedError('IGW_ERR_CSV_BROKEN', 'the file cannot be read as CSV', {
        details: { reason: error.code, line: (error as { lines?: unknown }).lines ?? null },
      })
    : error;

function columnsOf(cells: readonly string[]): readonly Column[] {
  if (cells.length > COLUMNS_MAX) throw new CodedError('IGW_ERR_CSV_HEADER', `more than ${COLUMNS_MAX} columns`);
  const header = readHeader(cells.map(cleanText));
  if (!header.ok) throw new CodedError('IGW_ERR_CSV_HEADER', header.reason);
  return header.columns;
}

function checkCells(row: number, columns: readonly Column[], cells: readonly string[]): Row {
  if (cells.length > columns.length)
    return { row, field: null, code: 'too_many_cells', message: 'the row has more cells than the header' };
  if (cells.some((cell) => cell.includes(REPLACEMENT)))
    return { row, field: null, code: 'not_utf8', message: 'the row is not UTF-8: save the file as CSV UTF-8' };
  const fields = toLeadFields(columns, cells.map(cleanText));
  return checkRow(row, { source: 'csv', ...fields });
}

/** Looks at the first line, then gives the whole file. */
async function withDelimiter(file: AsyncIterable<Buffer>): Promise<{ delimiter: string; all: AsyncIterable<Buffer> }> {
  const chunks = file[Symbol.asyncIterator]();
  const head: Buffer[] = [];
  let bytes = 0;
  for (;;) {
    const next = await chunks.next();
    if (next.done === true) break;
    head.push(next.value);
    bytes += next.value.length;
    if (bytes >= HEAD_BYTES_MAX || next.value.includes('\n')) break;
  }
  const start = Buffer.concat(head);
  const all = (async function* whole(): AsyncGenerator<Buffer> {
    yield start;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  })();
  return { delimiter: guessDelimiter(textOf(start)), all };
}

const textOf = (start: Buffer): string => start.toString(start[0] === 0xff && start[1] === 0xfe ? 'utf16le' : 'utf8');
