/**
 * Our Message-IDs carry where an answer belongs, and a MAC: `<messageId.leadId.orgId.mac@domain>`. Whoever was written to
 * knows such an id and may send back what they like; without the MAC they could name any lead of any organisation.
 * Outreach writes them, the gateway reads them; the key is shared by these two alone.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { isId } from '@lead-flood/kernel';

export type MailThread = { readonly messageId: string; readonly leadId: string; readonly orgId: string };

export type MailThreadIds = {
  /** Without angle brackets; the same for the same thread. */
  readonly write: (thread: MailThread) => string;
  /** Null for what we have not signed. Case is not looked at: some mail programs change it. */
  readonly read: (id: string) => MailThread | null;
};

export type MailThreadOptions = {
  readonly secret: string;
  /** Read as well, while the secret is being changed: people answer mails of months ago. */
  readonly previous?: string | undefined;
  readonly domain: string;
};

/** 96 bits in hex: nobody guesses it by mail, and the whole id stays well below the 250 characters that we take. */
const MAC_LENGTH = 24;
const MAC = /^[0-9a-f]{24}$/;

export function createMailThreadIds({ secret, previous, domain }: MailThreadOptions): MailThreadIds {
  const right = `@${domain.toLowerCase()}`;
  const accepted = previous === undefined ? [secret] : [secret, previous];
  return {
    write: (thread) => `${bodyOf(thread)}.${macOf(thread, secret)}@${domain}`,
    read: (id) => {
      const lower = id.toLowerCase();
      if (!lower.endsWith(right)) return null;
      const [messageId, leadId, orgId, mac, ...more] = lower.slice(0, -right.length).split('.', 5);
      if (messageId === undefined || leadId === undefined || orgId === undefined || mac === undefined) return null;
      if (more.length > 0 || !isId(messageId) || !isId(leadId) || !isId(orgId) || !MAC.test(mac)) return null;
      const thread = { messageId, leadId, orgId };
      return accepted.some((key) => isEqual(mac, macOf(thread, key))) ? thread : null;
    },
  };
}

const bodyOf = ({ messageId, leadId, orgId }: MailThread): string => `${messageId}.${leadId}.${orgId}`;

const macOf = (thread: MailThread, secret: string): string =>
  createHmac('sha256', secret)
    .update(`mail-thread ${bodyOf(thread)}`)
    .digest('hex')
    .slice(0, MAC_LENGTH);

const isEqual = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(a), Buffer.from(b));
