/** A table on the terminal: with colours where somebody looks at it, without where it goes into a file. */
import Table from 'cli-table3';
import type { TableConstructorOptions } from 'cli-table3';

export const createTable = (options: TableConstructorOptions = {}): Table.Table =>
  new Table({ ...options, ...(process.stdout.isTTY ? {} : { style: { head: [], border: [] } }) });
