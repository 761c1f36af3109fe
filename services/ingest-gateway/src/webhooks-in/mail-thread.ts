/** Which of our messages a mail answers, by the Message-IDs that it names. */
import type { MailThread, MailThreadIds } from '@lead-flood/service';

const ANGLE = /<([^<>\s]{1,300})>/g;

/** What it replies to, else the newest of its thread that is ours; null where we have signed none of them. */
export function findThread(
  mail: { readonly inReplyTo: string | null; readonly references: string | null },
  read: MailThreadIds['read'],
): MailThread | null {
  const newestFirst = [...idsOf(mail.inReplyTo), ...idsOf(mail.references).toReversed()];
  for (const id of newestFirst) {
    const thread = read(id);
    if (thread !== null) return thread;
  }
  return null;
}

const idsOf = (header: string | null): string[] =>
  [...(header ?? '').matchAll(ANGLE)].flatMap((match) => (match[1] === undefined ? [] : [match[1]]));

/** A mail's own id without its brackets; null where there is none that another mail could name. */
export const bareMessageId = (header: string | null): string | null => idsOf(header)[0] ?? null;
