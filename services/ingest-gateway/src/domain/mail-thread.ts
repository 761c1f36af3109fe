/** Our Message-IDs carry where an answer belongs: `<messageId.leadId.orgId@domain>`. */
import { isId } from '@lead-flood/kernel';

export type Thread = { readonly messageId: string; readonly leadId: string; readonly orgId: string };

const ANGLE = /<([^<>\s]{1,300})>/g;

/** The message that a mail answers: what it replies to, else the newest of the thread that is ours. */
export function findThread(
  mail: { readonly inReplyTo: string | null; readonly references: string | null },
  domain: string,
): Thread | null {
  const newestFirst = [...idsOf(mail.inReplyTo), ...idsOf(mail.references).toReversed()];
  for (const id of newestFirst) {
    const at = id.lastIndexOf('@');
    if (at < 0 || id.slice(at + 1).toLowerCase() !== domain.toLowerCase()) continue;
    const [messageId, leadId, orgId, ...more] = id.slice(0, at).toLowerCase().split('.');
    if (messageId === undefined || leadId === undefined || orgId === undefined || more.length > 0) continue;
    if (isId(messageId) && isId(leadId) && isId(orgId)) return { messageId, leadId, orgId };
  }
  return null;
}

const idsOf = (header: string | null): string[] =>
  [...(header ?? '').matchAll(ANGLE)].flatMap((match) => (match[1] === undefined ? [] : [match[1]]));

/** A mail's own id without its brackets; null where there is none that another mail could name. */
export const bareMessageId = (header: string | null): string | null => idsOf(header)[0] ?? null;
