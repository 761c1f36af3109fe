/** Message-IDs that we signed, and those that somebody made up. */
import { describe, expect, it } from 'vitest';
import { randomId } from '@lead-flood/kernel';
import { createMailThreadIds } from '../src/mail-thread-id.ts';

const thread = { messageId: randomId(), leadId: randomId(), orgId: randomId() };
const domain = 'mail.lead-flood.example';
const secret = 'a-thread-secret-of-more-than-32-characters';
const ids = createMailThreadIds({ secret, domain });
const id = ids.write(thread);
const { messageId, leadId, orgId } = thread;
const mac = id.slice(0, -domain.length - 1).split('.')[3] ?? '';

describe('ids of mail threads', () => {
  it('are read as they were written, in any case, and fit a header', () => {
    expect(ids.read(id)).toEqual(thread);
    expect(ids.read(id.toUpperCase())).toEqual(thread);
    expect(ids.write(thread)).toBe(id);
    expect(mac.length * 4).toBeGreaterThanOrEqual(80);
    expect(id.length).toBeLessThan(200);
  });

  it.each([
    ['without a MAC', `${messageId}.${leadId}.${orgId}@${domain}`],
    ['with an empty MAC', `${messageId}.${leadId}.${orgId}.@${domain}`],
    ['with half a MAC', `${messageId}.${leadId}.${orgId}.${mac.slice(0, 12)}@${domain}`],
    ['with another MAC', `${messageId}.${leadId}.${orgId}.${'0'.repeat(24)}@${domain}`],
    ['of another message', `${randomId()}.${leadId}.${orgId}.${mac}@${domain}`],
    ['of another lead', `${messageId}.${randomId()}.${orgId}.${mac}@${domain}`],
    ['of another organisation', `${messageId}.${leadId}.${randomId()}.${mac}@${domain}`],
    ['in another order', `${leadId}.${messageId}.${orgId}.${mac}@${domain}`],
    ['with more behind it', `${messageId}.${leadId}.${orgId}.${mac}.x@${domain}`],
    ['of another domain', `${messageId}.${leadId}.${orgId}.${mac}@evil.example`],
    ['of a longer domain', `${id}.example`],
    ['of no domain', `${messageId}.${leadId}.${orgId}.${mac}`],
    ['signed by another', createMailThreadIds({ secret: 'x'.repeat(32), domain }).write(thread)],
    ['that is none', 'a.b.c.d@mail.lead-flood.example'],
    ['that is empty', ''],
  ])('%s are nobody’s', (_what, made) => {
    expect(ids.read(made)).toBeNull();
  });

  it('of the secret before this one are read while it is given', () => {
    const next = { secret: 'the-next-secret-of-more-than-32-characters', domain };
    expect(createMailThreadIds(next).read(id)).toBeNull();
    expect(createMailThreadIds({ ...next, previous: secret }).read(id)).toEqual(thread);
  });
});
