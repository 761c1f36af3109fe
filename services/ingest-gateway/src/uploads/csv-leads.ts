/**
 * A CSV file as leads, read as a stream and checked row by row. A file that is broken as a whole (header, quotes, size)
 * is refused before anything of it is kept; a bad row costs only itself.
 */
import { Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import type { Parser } from 'csv-parse';
import type { RefusedRow } from '@lead-flood/contracts';
import { CodedError } from '@lead-flood/kernel';
import type { Column } from '../domain/lead-columns.ts';
import { guessDelimiter, readHeader, toLeadFields } from '../domain/lead-columns.ts';
import type { AcceptedRow, Intake } from './lead-intake.ts';
import { checkRow, isRefused } from './lead-intake.ts';

const HEAD_BYTES_MAX = 65_536;
const RECORD_CHARACTERS_MAX = 65_536;
const COLUMNS_MAX = 200;
const REPLACEMENT = '\ufffd';

export async function readCsvLeads(file: AsyncIterable<Buffer>, rowsMax: number): Promise<Intake> {
  const { delimiter, all } = await withDelimiter(file);
  const parser = parse({
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
  try {
    return await readRows(parser, rowsMax);
  } catch (error) {
    source.destroy();
    if (!(error instanceof CsvError)) throw error;
    throw new CodedError('IGW_ERR_CSV_BROKEN', 'the file cannot be read as CSV', {
      details: { reason: error.code, line: (error as { lines?: unknown }).lines ?? null },
    });
  }
}

async function readRows(records: Parser, rowsMax: number): Promise<Intake> {
  const accepted: AcceptedRow[] = [];
  const refused: RefusedRow[] = [];
  let columns: readonly Column[] | null = null;
  let row = 0;
  for await (const record of records as AsyncIterable<string[]>) {
    if (columns === null) {
      columns = columnsOf(record);
      continue;
    }
    row += 1;
    // Counted on to the end, so that the refusal can say how many there are.
    if (row > rowsMax) continue;
    const checked = checkCells(row, columns, record);
    if (isRefused(checked)) refused.push(checked);
    else accepted.push(checked);
  }
  if (columns === null) throw new CodedError('IGW_ERR_CSV_HEADER', 'the file is empty');
  if (row > rowsMax)
    throw new CodedError('IGW_ERR_TOO_MANY_ROWS', `the file has ${row} rows, at most ${rowsMax} are taken`);
  return { rowsTotal: row, accepted, refused };
}

function columnsOf(cells: readonly string[]): readonly Column[] {
  if (cells.length > COLUMNS_MAX) throw new CodedError('IGW_ERR_CSV_HEADER', `more than ${COLUMNS_MAX} columns`);
  const header = readHeader(cells);
  if (!header.ok) throw new CodedError('IGW_ERR_CSV_HEADER', header.reason);
  return header.columns;
}

function checkCells(row: number, columns: readonly Column[], cells: readonly string[]): AcceptedRow | RefusedRow {
  if (cells.length > columns.length)
    return { row, field: null, code: 'too_many_cells', message: 'the row has more cells than the header' };
  if (cells.some((cell) => cell.includes(REPLACEMENT)))
    return { row, field: null, code: 'not_utf8', message: 'the row is not UTF-8: save the file as CSV UTF-8' };
  const fields = toLeadFields(columns, cells);
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
  const isUtf16 = start[0] === 0xff && start[1] === 0xfe;
  const all = (async function* whole(): AsyncGenerator<Buffer> {
    yield start;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  })();
  return { delimiter: guessDelimiter(start.toString(isUtf16 ? 'utf16le' : 'utf8')), all };
}
