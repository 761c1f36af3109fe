// Where the dead letters are: the running product's servers, or those of the environment.
import { userInfo } from 'node:os';
import type { KafkaClient } from '@lead-flood/kafka';
import { createKafkaClient } from '@lead-flood/kafka';
import type { Database } from '@lead-flood/postgres';
import { createDatabase } from '@lead-flood/postgres';
import { LocalError } from '../errors.ts';
import { readProductAddresses } from '../product-addresses.ts';

export interface PlaceOptions {
  readonly brokers?: string;
  readonly database?: string;
  readonly by?: string;
}

export interface Place {
  readonly database: Database;
  readonly client: KafkaClient;
  /** Who acts, for the audit. */
  readonly who: string;
}

export async function openPlace({ brokers, database, by }: PlaceOptions): Promise<Place> {
  const product = readProductAddresses();
  const kafka = brokers ?? process.env['KAFKA_BROKERS'] ?? product?.kafka;
  const url = database ?? process.env['DATABASE_URL'] ?? product?.postgres;
  if (kafka === undefined || url === undefined)
    throw new LocalError(
      'LOCAL_ERR_NOT_RUNNING',
      'no servers: give --brokers and --database, set KAFKA_BROKERS and DATABASE_URL, or `npm start` first',
    );
  return {
    database: await createDatabase({
      url,
      schema: 'analytics',
      applicationName: 'dead-letters',
      connectionsMax: 2,
    }),
    client: createKafkaClient({ brokers: kafka.split(','), clientId: 'dead-letters', log: () => undefined }),
    who: by ?? userInfo().username,
  };
}
