/** I2. The sandbox's own log says what was accepted; two messages for one step of one lead stand in the topics. */
import { z } from 'zod';
import { sql } from '@lead-flood/postgres';
import type { Invariant, Violation } from './invariant.ts';
import { finding } from './invariant.ts';
import type { Accepted } from './book.ts';
import type { Doubtful, World } from './world.ts';

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
    const steps = await stepsTwice(world);
    const books = world.sandbox === undefined ? null : await world.sandboxLog();
    const { doubts, paidTwice } = await since(world, books);
    const max = world.doubtsMax ?? Number.POSITIVE_INFINITY;
    const paidMax = world.paidTwiceMax ?? Number.POSITIVE_INFINITY;
    const paid = paidTwice.reduce((sum, { times }) => sum + times, 0);
    const violations: Violation[] = [
      ...(books === null
        ? []
        : twice(books.filter(isContact)).map(({ id, times }) => ({ id, what: `accepted ${times} times` }))),
      ...steps,
      ...(paid > paidMax ? paidTwice.map(({ id, times }) => ({ id, what: `was paid ${times} more times` })) : []),
      ...(doubts.length > max ? doubts.map((id) => ({ id, what: 'is in doubt, beyond what the faults explain' })) : []),
      ...told,
    ];
    return finding((books?.length ?? 0) + doubts.length, violations, [
      books === null ? 'no sandbox: what providers accepted stands in their own books' : null,
      doubts.length === 0 ? null : `${doubts.length} messages are in doubt: ${doubts.slice(0, SHOWN_MAX).join(', ')}`,
      paid === 0 || paid > paidMax ? null : `${paid} lookups were paid twice`,
    ]);
  },
};

const isContact = ({ provider }: Accepted): boolean => CONTACTS.has(provider);

/** All that may have been done twice so far; what a later look is given as `before`. */
export async function doubtful(world: World): Promise<Doubtful> {
  return doubtfulIn(world, world.sandbox === undefined ? null : await world.sandboxLog());
}

async function doubtfulIn(world: World, books: readonly Accepted[] | null): Promise<Doubtful> {
  const unknown = await world.database('outreach').anyFirst(sql.type(z.object({ id: z.string() }))`
    select message_id as id from delivery_attempts where outcome = 'UNKNOWN' order by created_at, message_id
  `);
  const lookups = twice((books ?? []).filter((entry) => !isContact(entry)));
  return { doubts: new Set(unknown), paidTwice: new Map(lookups.map(({ id, times }) => [id, times])) };
}

async function since(world: World, books: readonly Accepted[] | null) {
  const now = await doubtfulIn(world, books);
  const { before } = world;
  return {
    doubts: [...now.doubts].filter((id) => before?.doubts.has(id) !== true),
    // The first payment of each is the one that had to be.
    paidTwice: [...now.paidTwice]
      .map(([id, times]) => ({ id, times: times - (before?.paidTwice.get(id) ?? 1) }))
      .filter(({ times }) => times > 0),
  };
}

type Repeated = { readonly id: string; readonly times: number };

/** One message, or one question, that was accepted more than once. */
function twice(entries: readonly Accepted[]): Repeated[] {
  const known = entries.filter((entry) => isContact(entry) || !UNANSWERED.has(entry.outcome));
  const keyOf = (entry: Accepted): string => entry.idempotencyKey ?? entry.subject;
  return [...Map.groupBy(known, (entry) => `${entry.provider} ${entry.operation} ${keyOf(entry)}`)]
    .filter(([, all]) => all.length > 1)
    .map(([id, all]) => ({ id, times: all.length }));
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
