/**
 * The sandbox's book: everything that a provider accepted, whole or not at all. Over HTTP it tells its newest lines only, in
 * the file beside it stand all of them; a part of the book would pass over what was done twice before it begins.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { CannotCheck } from './invariant.ts';

const entry = z.object({
  seq: z.int(),
  provider: z.string(),
  operation: z.string(),
  subject: z.string(),
  idempotencyKey: z.string().optional(),
  outcome: z.string(),
  price: z.number(),
});
export type Accepted = z.infer<typeof entry>;

const summary = z.object({ lastSeq: z.int(), forgottenSeq: z.int() });

/** The most that the sandbox tells at once, and keeps. */
const LINES_MAX = 200_000;
/** It writes its file every 50 ms. */
const WRITTEN_MS = 5_000;
const LOOK_EVERY_MS = 50;

export async function readBook(
  sandbox: string,
  file: string | undefined,
  writtenMs = WRITTEN_MS,
): Promise<readonly Accepted[]> {
  const { lastSeq, forgottenSeq } = summary.parse(await (await fetch(`${sandbox}/_control/summary`)).json());
  const until = Date.now() + writtenMs;
  for (;;) {
    const all = file === undefined ? await told(sandbox) : await linesOf(file);
    // What was asked of it to be forgotten is no gap.
    const book = all.filter(({ seq }) => seq > forgottenSeq);
    const missing = missingOf(book, forgottenSeq, lastSeq);
    if (missing === 0) return book;
    if (file === undefined || Date.now() > until)
      throw new CannotCheck(
        `the sandbox's book has ${lastSeq - forgottenSeq} lines, of which ${missing} could not be read`,
      );
    await delay(LOOK_EVERY_MS);
  }
}

/** How many of the numbers after the first up to the last are not there. */
function missingOf(book: readonly Accepted[], first: number, last: number): number {
  const seen = new Set(book.map(({ seq }) => seq).filter((seq) => seq <= last));
  return last - first - seen.size;
}

const told = async (sandbox: string): Promise<readonly Accepted[]> =>
  (await (await fetch(`${sandbox}/_control/log?limit=${LINES_MAX}`)).text())
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => entry.parse(JSON.parse(line)));

async function linesOf(file: string): Promise<readonly Accepted[]> {
  const entries: Accepted[] = [];
  let broken = 0;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    const parsed = parseJson(line);
    if (parsed === null) broken += 1;
    else entries.push(entry.parse(parsed));
  }
  // The last line may be half written; one in the middle never is.
  if (broken > 1) throw new CannotCheck(`${broken} lines of ${file} cannot be read`);
  return entries;
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
