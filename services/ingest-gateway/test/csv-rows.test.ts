/** A file with too many rows is read no further than its limit: what stands behind costs nobody anything. */
import { expect, it } from 'vitest';
import { countRows } from '../src/uploads/csv-leads.ts';

const ROWS_MAX = 100;
const ROWS_A_CHUNK = 1_000;
const CHUNKS = 500;

it('stops at the limit of rows', async () => {
  let chunks = 0;
  async function* file(): AsyncGenerator<Buffer> {
    yield Buffer.from('email\n');
    while (chunks < CHUNKS) {
      chunks += 1;
      yield await Promise.resolve(Buffer.from('a@a.example\n'.repeat(ROWS_A_CHUNK)));
    }
  }
  await expect(countRows(file(), ROWS_MAX, () => Promise.resolve())).rejects.toMatchObject({
    code: 'IGW_ERR_TOO_MANY_ROWS',
    message: `the file has more than ${ROWS_MAX} rows`,
  });
  // What the stream had read ahead is not counted against it.
  expect(chunks).toBeLessThan(CHUNKS / 10);
});
