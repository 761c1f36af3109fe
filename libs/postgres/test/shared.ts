/** A database of one's own with the machinery tables, and one table for documents. */
import { join } from 'node:path';
import { createTestDatabase } from '@lead-flood/testing';
import type { TestDatabase } from '@lead-flood/testing';
import type { OutboxMessage } from '@lead-flood/postgres';

export const schema = 'library';
export const migrations = join(import.meta.dirname, 'migrations');
export const fresh = (): Promise<TestDatabase> => createTestDatabase({ schema, migrations });

export const message = (key: string, value: Buffer | null = Buffer.from(key)): OutboxMessage => ({
  topic: 'test.v1',
  key,
  headers: { 'message-id': key },
  value,
});
