/** Promises that are kept in SQL: positions, outbox and relay, leases, documents, parked keys. */
import type { Bugs } from './bug.ts';
import { at } from './bug.ts';

const source = (name: string): string => `libs/postgres/src/${name}.ts`;
const relay = source('relay');
const positions = source('positions');

const place = 'p.epoch = a.epoch and p.next_offset = a.expected_offset';
const comparesFinished = '\n      and (a.expected_finished is null or a.expected_finished = cardinality(p.finished))';
const settled = ' and o.tx < pg_snapshot_xmin(pg_current_snapshot())';
const advance = '  await advanceCursor(connection, cursor, last);\n';

export const postgresBugs = {
  'relay-by-sequence': {
    says: 'the relay reads by the last number instead of (transaction, number)',
    edits: at(
      relay,
      ['where (o.tx, o.seq) > (${tx}::xid8, ${seq}::bigint)' + settled, 'where o.seq > ${seq}::bigint'],
      ['order by o.tx, o.seq', 'order by o.seq'],
    ),
  },
  'relay-without-xmin': {
    says: 'the relay reads rows although an older transaction still runs',
    edits: at(relay, [settled, '']),
  },
  'relay-in-transaction-order': {
    says: 'the relay publishes in the order of transaction numbers, not of the rows’ own',
    edits: at(relay, ['rows.toSorted((a, b) => a.seq - b.seq)', 'rows']),
  },
  'relay-without-lock': {
    says: 'every replica’s relay publishes, whoever holds the lock',
    edits: at(relay, [
      'if (!(await lock(connection, options.schema))) return;',
      'await lock(connection, options.schema);',
    ]),
  },
  'relay-never-silent': {
    says: 'a relay that falls silent keeps its session, and by it the lock',
    edits: at(relay, ['const silenceMs = options.silenceMs ?? SILENCE_MS;', 'const silenceMs = 0;']),
  },
  'cursor-before-publish': {
    says: 'the relay notes rows as published before the broker has them',
    edits: at(
      relay,
      [advance, ''],
      [
        '  for (const chunk of chunksByBytes(ordered)) {\n',
        `${advance}  for (const chunk of chunksByBytes(ordered)) {\n`,
      ],
    ),
  },
  'swallow-publish-failure': {
    says: 'a send that the broker refused counts as done',
    edits: at(relay, [
      "    if (!(error instanceof CodedError) || error.code !== 'KFK_ERR_TOO_LARGE') throw error;",
      '    return;',
    ]),
  },
  'no-fencing': {
    says: 'positions move for anybody and from anywhere',
    edits: at(positions, [place + comparesFinished, 'true']),
  },
  'no-epoch-check': {
    says: 'positions move for a former owner too',
    edits: at(positions, [place + comparesFinished, 'p.next_offset = a.expected_offset']),
  },
  'finished-not-compared': {
    says: 'a commit that moved no position is not told from its repeat',
    edits: at(positions, [comparesFinished, '']),
  },
  'forget-finished': {
    says: 'what is finished beyond an open message is not remembered',
    edits: at(positions, ['numbers(a.finished)', 'numbers([])']),
  },
  'lease-without-fence': {
    says: 'a former holder of a lease writes as if it held it still',
    edits: at(source('lease'), [
      'where name = ${name} and fence = ${fence} for update',
      'where name = ${name} for update',
    ]),
  },
  'no-revision-check': {
    says: 'a row is saved over a change that was never seen',
    edits: at(source('document-store'), ['where t.revision = excluded.previous_revision and ', 'where ']),
  },
  'errors-by-name': {
    says: 'the database driver’s errors are told apart by their names, which are all alike',
    edits: at(source('errors'), ['error instanceof kind', 'error.name === kind.name']),
  },
  'no-parking-lock': {
    says: 'a drain and a batch of the same group run at the same time',
    edits: at(source('parked'), [
      'export async function lockForBatch(tx: Queries, group: string): Promise<void> {',
      'export async function lockForBatch(tx: Queries, group: string): Promise<void> {\n  return;',
    ]),
  },
} satisfies Bugs;
