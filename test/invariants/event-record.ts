/** Events as services of ours would have published them. */
import type { EventName, Events } from '@lead-flood/contracts';
import { topicOf } from '@lead-flood/contracts';
import type { Codec, OutgoingRecord } from '@lead-flood/kafka';
import { headerNames } from '@lead-flood/kafka';
import { randomId } from '@lead-flood/kernel';
import { sampleDiscovered } from '@lead-flood/testing';

export const eventRecord = <N extends EventName>(
  codec: Codec,
  name: N,
  key: string,
  data: Events[N],
  version?: number,
): OutgoingRecord => ({
  topic: topicOf[name],
  key,
  value: codec.encode(name, data),
  headers: {
    [headerNames.messageId]: randomId(),
    [headerNames.orgId]: data.orgId,
    ...(version === undefined ? {} : { [headerNames.version]: String(version) }),
  },
});

export const firstTouch = (orgId: string, leadId: string): Events['SendMessage'] => ({
  orgId,
  leadId,
  messageId: randomId(),
  threadId: randomId(),
  enrollmentId: randomId(),
  sequenceId: randomId(),
  stepNumber: 1,
  channel: 'email',
  person: sampleDiscovered().person,
  subject: 'Hello',
  body: 'Hello',
  inReplyTo: null,
  firstTouch: true,
  submittedAt: 1,
  requestedAt: 2,
});
