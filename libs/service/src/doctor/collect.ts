/**
 * Asks everybody, at most a few seconds: servers whether they are there, services for their `/status`, Postgres for the
 * machinery tables, Kafka for ends and members. Reads only. What gives no answer becomes a fact, never an exception.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { KafkaClient, MemberCount, TopicEnds } from '@lead-flood/kafka';
import { createKafkaClient, endsOf, membersOf, firstRecordsAt } from '@lead-flood/kafka';
import type { Database } from '@lead-flood/postgres';
import { createDatabase, sql } from '@lead-flood/postgres';
import { askJson, askRedis, reasonOf, within } from './ask.ts';
import type { SchemaPosition } from './database-facts.ts';
import { readAllPositions, readOldestTransaction, readSchema, readSchemas } from './database-facts.ts';
import type { Facts, GroupFacts, PartitionFacts, ServerFacts, ServerName, ServiceFacts } from './facts.ts';
import { serviceStatus } from './facts.ts';

export type DoctorAddresses = {
  readonly kafka?: string | undefined;
  readonly registry?: string | undefined;
  readonly postgres?: string | undefined;
  readonly redis?: string | undefined;
  /** Base address of each service's operations port, or of its internal doors: both answer `/status`. */
  readonly services: Readonly<Record<string, string>>;
};

const SERVER_MS = 4_000;
/** Between two looks at positions and ends: long enough for a batch, short enough to wait for. */
const SAMPLE_MS = 1_500;
/** Oldest messages are read from the broker for the worst partitions only. */
const OLDEST_MAX = 20;

type Answers = { servers: ServerFacts[]; unanswered: string[] };

export async function collectFacts(addresses: DoctorAddresses, now: () => number = Date.now): Promise<Facts> {
  // Of the questions, not of the last answer: what a service then says of its last seconds is no older for that.
  const at = new Date(now()).toISOString();
  const told: Answers = { servers: [], unanswered: [] };
  const asking = Promise.all(Object.entries(addresses.services).map(([name, base]) => askService(name, base)));
  const [, , services, fromServers] = await Promise.all([
    askServer(told, 'registry', addresses.registry, async (url) => void (await askJson(`${url}/subjects`))),
    askServer(told, 'redis', addresses.redis, (url) => askRedis(url)),
    asking,
    askBoth(addresses, told, asking, now),
  ]);
  const order: readonly ServerName[] = ['postgres', 'kafka', 'registry', 'redis'];
  return {
    at,
    servers: told.servers.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name)),
    services,
    ...fromServers,
    unanswered: told.unanswered,
  };
}

/** True when the server answered. */
async function askServer(
  told: Answers,
  name: ServerName,
  address: string | undefined,
  ask: (address: string) => Promise<void>,
): Promise<boolean> {
  if (address === undefined) {
    told.servers.push({ name, address: '', state: 'unasked', detail: '' });
    return false;
  }
  const shown = withoutPassword(address);
  try {
    await within(SERVER_MS, ask(address));
    told.servers.push({ name, address: shown, state: 'ok', detail: '' });
    return true;
  } catch (error) {
    told.servers.push({ name, address: shown, state: 'away', detail: reasonOf(error) });
    return false;
  }
}

const withoutPassword = (address: string): string =>
  URL.canParse(address) && address.includes('//') ? new URL(address).host : address;

async function askService(service: string, base: string): Promise<ServiceFacts> {
  try {
    return { service, status: serviceStatus.parse(await askJson(`${base}/status`)), detail: '' };
  } catch (error) {
    return { service, status: null, detail: reasonOf(error) };
  }
}

type FromServers = Pick<Facts, 'groups' | 'schemas' | 'oldestTransaction'>;

async function askBoth(
  addresses: DoctorAddresses,
  told: Answers,
  services: Promise<readonly ServiceFacts[]>,
  now: () => number,
): Promise<FromServers> {
  const client = createKafkaClient({
    brokers: (addresses.kafka ?? '127.0.0.1:1').split(','),
    clientId: 'doctor',
    log: () => undefined,
    retries: 1,
  });
  const opened: { database: Database | null } = { database: null };
  try {
    const [, kafka] = await Promise.all([
      askServer(told, 'postgres', addresses.postgres, async (url) => {
        opened.database = await createDatabase({
          url,
          schema: 'public',
          applicationName: 'doctor',
          connectionsMax: 4,
        });
        await opened.database.query(sql.unsafe`select 1`);
      }),
      askServer(told, 'kafka', addresses.kafka, async () => void (await endsOf(client, []))),
    ]);
    const none: FromServers = { groups: [], schemas: [], oldestTransaction: null };
    const { database } = opened;
    if (database === null || told.servers.some((one) => one.name === 'postgres' && one.state !== 'ok')) return none;
    const or = async <T>(what: string, fallback: T, work: Promise<T>): Promise<T> => {
      try {
        return await within(SERVER_MS * 2, work);
      } catch (error) {
        told.unanswered.push(`${what} (${reasonOf(error)})`);
        return fallback;
      }
    };
    const schemas = await or('schemas', [], readSchemas(database));
    const [oldestTransaction, found, groups] = await Promise.all([
      or('transactions', null, readOldestTransaction(database)),
      Promise.all(schemas.map((schema) => or(`schema ${schema}`, null, readSchema(database, schema)))),
      or(
        'consumer groups',
        [],
        readGroups(database, kafka ? client : null, { schemas, readers: readersOf(await services) }, now),
      ),
    ]);
    return { groups, schemas: found.filter((schema) => schema !== null), oldestTransaction };
  } finally {
    // A pool whose server is away may take its time over ending; nothing waits for that.
    void opened.database?.end().catch(() => undefined);
  }
}

type Ends = ReadonlyMap<string, TopicEnds>;

type Reader = { readonly group: string; readonly schema: string; readonly topics: readonly string[] };

const readersOf = (services: readonly ServiceFacts[]): Reader[] =>
  services.flatMap(({ status }) =>
    (status?.processors ?? []).map(({ group, topics }) => ({ group, topics, schema: status?.schema ?? '' })),
  );

/** A partition that a group has not begun has no row: it stands at its beginning. */
function withUnclaimed(rows: readonly SchemaPosition[], readers: readonly Reader[], ends: Ends): SchemaPosition[] {
  const claimed = new Set(rows.map(({ group, topic, partition }) => `${group} ${topic}/${partition}`));
  const unclaimed = readers.flatMap(({ group, schema, topics }) =>
    topics.flatMap((topic) =>
      Object.keys(ends.get(topic) ?? {})
        .filter((partition) => !claimed.has(`${group} ${topic}/${partition}`))
        .map((partition) => ({ schema, group, topic, partition: Number(partition), nextOffset: 0, ahead: 0 })),
    ),
  );
  return [...rows, ...unclaimed];
}

async function readGroups(
  database: Database,
  client: KafkaClient | null,
  { schemas, readers }: { schemas: readonly string[]; readers: readonly Reader[] },
  now: () => number,
): Promise<GroupFacts[]> {
  const rows = await readAllPositions(database, schemas);
  const names = [...new Map([...rows, ...readers].map(({ group, schema }) => [group, schema]))].toSorted();
  if (client === null) return names.map(([group, schema]) => ({ group, schema, members: null, behind: [] }));
  const topics = [...new Set([...rows.map(({ topic }) => topic), ...readers.flatMap((reader) => reader.topics)])];
  const [endsBefore, members] = await Promise.all([
    endsOf(client, topics),
    membersOf(
      client,
      names.map(([group]) => group),
    ),
  ]);
  await delay(SAMPLE_MS);
  // The rows first: what comes between the two counts as lag, never as less than none.
  const after = withUnclaimed(await readAllPositions(database, schemas), readers, endsBefore);
  const before = withUnclaimed(rows, readers, endsBefore);
  const ends = await endsOf(client, topics);
  const behind = partitionsBehind(before, endsBefore, after, ends);
  const worst = behind.toSorted((a, b) => b.facts.lag - a.facts.lag).slice(0, OLDEST_MAX);
  const oldest = await firstRecordsAt(
    client,
    worst.map(({ facts }) => ({ topic: facts.topic, partition: facts.partition, offset: facts.nextOffset })),
  );
  return names.map(([group, schema]) => ({
    group,
    schema,
    members: members.find((m: MemberCount) => m.group === group)?.members ?? null,
    behind: behind
      .filter((one) => one.group === group)
      .map(({ facts }) => {
        const record = oldest.get(`${facts.topic}/${facts.partition}@${facts.nextOffset}`);
        if (record === undefined) return facts;
        const ageSeconds = Math.max(0, (now() - record.timestamp) / 1_000);
        return { ...facts, oldest: { key: printable(record.key), ageSeconds } };
      }),
  }));
}

function partitionsBehind(
  before: readonly SchemaPosition[],
  endsBefore: Ends,
  after: readonly SchemaPosition[],
  ends: Ends,
): { group: string; facts: PartitionFacts }[] {
  const at = ({ group, topic, partition }: SchemaPosition): string => `${group} ${topic}/${partition}`;
  const earlier = new Map(before.map((position) => [at(position), position]));
  return after.flatMap((position) => {
    const { group, topic, partition, nextOffset } = position;
    const lag = lagOf(position, ends);
    if (lag === 0) return [];
    const then = earlier.get(at(position));
    const lagBefore = then === undefined ? lag : lagOf(then, endsBefore);
    const moved = then === undefined || then.nextOffset !== nextOffset || then.ahead !== position.ahead;
    const end = ends.get(topic)?.[partition]?.high ?? nextOffset;
    return [{ group, facts: { topic, partition, nextOffset, end, lag, lagBefore, moved, oldest: null } }];
  });
}

/** What retention has taken is not waited for. */
function lagOf({ topic, partition, nextOffset, ahead }: SchemaPosition, ends: Ends): number {
  const end = ends.get(topic)?.[partition];
  return end === undefined ? 0 : Math.max(0, end.high - Math.max(nextOffset, end.low) - ahead);
}

const KEY_CHARACTERS_MAX = 40;

/** A foreign key may be any bytes. */
const printable = (key: Buffer | null): string | null =>
  key === null
    ? null
    : key
        .toString('utf8')
        .replace(/[^\x20-\x7e]/g, '.')
        .slice(0, KEY_CHARACTERS_MAX);
