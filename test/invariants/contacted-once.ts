/** I2. The sandbox's own log says what was accepted; two messages for one step of one lead stand in the topics. */
import { z } from 'zod';
import { sql } from '@lead-flood/postgres';
import type { Invariant, Violation } from './invariant.ts';
import { CannotCheck, finding } from './invariant.ts';
import type { Accepted, World } from './world.ts';

const CONTACTS = new Set(['mail', 'trengo']);
/** The provider took the question and the caller could not know: asking again is right. */
const UNANSWERED = new Set(['reset', 'garbage', 'lost']);
const COOLDOWN_MS = 30 * 86_400_000;
const SHOWN_MAX = 10;

export const contactedOnce: Invariant = {
  name: 'I2',
  sentence:
    'A provider accepted each message (lead, step, channel) at most once; what is in doubt is counted and bounded.',
  atRest: false,
  async check(world) {
    const told = await toldTwice(world);
    const unknown = await world
      .database('outreach')
      .anyFirst(
        sql.type(
          z.object({ id: z.string() }),
        )`select message_id as id from delivery_attempts where outcome = 'UNKNOWN'`,
      );
    const steps = await stepsTwice(world);
    const max = world.doubtsMax ?? Number.POSITIVE_INFINITY;
    const paidMax = world.paidTwiceMax ?? Number.POSITIVE_INFINITY;
    const books = await booksOf(world);
    const lookups = books === null ? [] : twice(books.filter((entry) => !CONTACTS.has(entry.provider)));
    const violations: Violation[] = [
      ...(books === null ? [] : twice(books.filter((entry) => CONTACTS.has(entry.provider)))),
      ...steps,
      ...(lookups.length > paidMax ? lookups : []),
      ...(unknown.length > max
        ? unknown.map((id) => ({ id, what: 'is in doubt, beyond what the faults explain' }))
        : []),
      ...told,
    ];
    return finding((books?.length ?? 0) + unknown.length, violations, [
      books === null ? 'no sandbox: what providers accepted stands in their own books' : null,
      unknown.length === 0
        ? null
        : `${unknown.length} messages are in doubt: ${unknown.slice(0, SHOWN_MAX).join(', ')}`,
      lookups.length === 0 || lookups.length > paidMax ? null : `${lookups.length} lookups were paid twice`,
    ]);
  },
};

async function booksOf(world: World): Promise<readonly Accepted[] | null> {
  try {
    return await world.sandboxLog();
  } catch (error) {
    if (error instanceof CannotCheck) return null;
    throw error;
  }
}

/** One message, or one question, that was accepted more than once. */
function twice(entries: readonly Accepted[]): Violation[] {
  const known = entries.filter((entry) => CONTACTS.has(entry.provider) || !UNANSWERED.has(entry.outcome));
  const keyOf = (entry: Accepted): string => entry.idempotencyKey ?? entry.subject;
  return [...Map.groupBy(known, (entry) => `${entry.provider} ${entry.operation} ${keyOf(entry)}`)]
    .filter(([, all]) => all.length > 1)
    .map(([id, all]) => ({ id, what: `accepted ${all.length} times` }));
}

/** Of one lead, step and channel two messages were asked for within the cooldown. */
async function stepsTwice(world: World): Promise<Violation[]> {
  const sends = (await world.events('outreach.send.v1')).flatMap((e) => (e.name === 'SendMessage' ? [e.data] : []));
  return [
    ...Map.groupBy(
      sends.filter((send) => send.stepNumber > 0),
      (send) => `${send.leadId} step ${send.stepNumber} ${send.channel}`,
    ),
  ].flatMap(([id, all]) => {
    const times = all.map((send) => send.requestedAt).toSorted((a, b) => a - b);
    const close = times.some((at, i) => i > 0 && at - (times[i - 1] ?? 0) < COOLDOWN_MS);
    return close ? [{ id, what: `${all.length} messages were asked for` }] : [];
  });
}

/** One message with two ends. */
async function toldTwice(world: World): Promise<Violation[]> {
  const sent = (await world.events('outreach.message.v1')).flatMap((e) => (e.name === 'MessageSent' ? [e] : []));
  return [...Map.groupBy(sent, (event) => event.data.messageId)]
    .filter(([, all]) => all.length > 1)
    .map(([id, all]) => ({ id, what: `is told to be sent ${all.length} times` }));
}
