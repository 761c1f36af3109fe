/** Whom outreach writes to, what it hears, and when it is silent: given / when / then. */
import { describe, expect, it } from 'vitest';
import { sampleId, sampleOrg, samplePerson, sampleScored, specify, testNow } from '@lead-flood/testing';
import { initialState } from '../src/domain/conversation.ts';
import type { EnrolmentFacts } from '../src/domain/enrolment.ts';
import { intentOf } from '../src/domain/reply.ts';
import { outreach } from '../src/processor.ts';
import { isMessageId } from '../src/providers/transport.ts';
import { render } from '../src/template.ts';

const leadId = sampleId('lead');
const sequence = {
  id: sampleId('sequence'),
  steps: [
    { stepNumber: 1, delayMs: 0, subject: 'About {{ company }}', body: 'Hello {{ firstName }}' },
    { stepNumber: 2, delayMs: 3_600_000, subject: 'Again', body: 'Hello again' },
  ],
};
const facts = (overrides: Partial<EnrolmentFacts> = {}): EnrolmentFacts => ({
  sequence,
  suppressed: false,
  render,
  ...overrides,
});
const spec = (given = facts(), now = testNow) => specify(outreach, given, now);
const reply = (text: string) => ({
  orgId: sampleOrg,
  leadId,
  replyId: sampleId(text),
  channel: 'email',
  messageId: null,
  transportMessageId: null,
  receivedAt: testNow,
  person: samplePerson(),
  subject: 'Re',
  text,
});
const completed = (outcome: string) => ({
  orgId: sampleOrg,
  leadId,
  taskId: sampleId('task'),
  callerId: sampleId('caller'),
  outcome,
  completedAt: testNow,
});

describe('a scored lead', () => {
  it('[OU-02] that is HIGH with a verified address is enrolled: the first message now, the second by a timer', () => {
    const when = spec().givenInputs().when('LeadScored', sampleScored({ leadId }));
    when.thenEmits({
      name: 'SendMessage',
      data: { leadId, channel: 'email', subject: 'About Aurora AB', body: 'Hello Zoë', firstTouch: true },
    });
    expect(when.decision).toMatchObject({
      timers: [{ dueAt: testNow + 3_600_000, event: { data: { stepNumber: 2, firstTouch: false } } }],
    });
  });

  it('without a verified address gets WhatsApp when there is a number', () => {
    spec()
      .givenInputs()
      .when('LeadScored', sampleScored({ leadId, emailStatus: 'risky' }))
      .thenEmits({ name: 'SendMessage', data: { channel: 'whatsapp', subject: null } });
  });

  it.each([
    ['band_low', sampleScored({ leadId, band: 'LOW' }), facts()],
    ['no_channel', sampleScored({ leadId, person: samplePerson({ email: null, phone: null }) }), facts()],
    ['no_active_sequence', sampleScored({ leadId }), facts({ sequence: null })],
    ['suppressed', sampleScored({ leadId }), facts({ suppressed: true })],
  ])('is not contacted, and says why: %s', (reason, lead, given) => {
    spec(given)
      .givenInputs()
      .when('LeadScored', lead)
      .thenEmits({ name: 'LeadNotContacted', data: { leadId, reason } });
  });

  it('that is MEDIUM belongs to call-allocation', () => {
    spec()
      .givenInputs()
      .when('LeadScored', sampleScored({ band: 'MEDIUM' }))
      .thenSkips('band_medium');
  });

  it('[OU-10] is left alone for 30 days after a first touch, and the log says so', () => {
    const { decision } = spec()
      .givenInputs(['LeadScored', sampleScored({ leadId })], ['ReplyReceived', reply('not now')])
      .when('LeadScored', sampleScored({ leadId }));
    expect(decision).toMatchObject({
      emit: [{ name: 'LeadNotContacted', data: { reason: 'cooldown' } }],
      state: { cooldown: { kind: 'ENFORCED' } },
    });
    const after = testNow + 31 * 86_400_000;
    const state = decision.kind === 'apply' ? decision.state : initialState;
    spec(facts(), after)
      .given(state)
      .when('LeadScored', sampleScored({ leadId }))
      .thenEmits({ name: 'SendMessage', data: { leadId } });
  });
});

describe('an answer', () => {
  it('[OU-03] stops the sequence and opens the thread', () => {
    spec()
      .givenInputs(['LeadScored', sampleScored({ leadId })])
      .when('ReplyReceived', reply('Sounds good, tell me more'))
      .thenEmits({ name: 'MessageReplied', data: { intent: 'interested' } })
      .thenState({ enrollment: expect.objectContaining({ status: 'STOPPED', stoppedBy: 'replied' }) });
  });

  it('that asks for silence gets it for ever', () => {
    const silent = spec().givenInputs(
      ['LeadScored', sampleScored({ leadId })],
      ['ReplyReceived', reply('Unsubscribe please')],
    );
    silent
      .when('LeadScored', sampleScored({ leadId }))
      .thenEmits({ name: 'LeadNotContacted', data: { reason: 'suppressed' } });
    silent.when('ReplyManually', { orgId: sampleOrg, leadId, body: 'Sorry!' }).thenRejects('OUT_ERR_SUPPRESSED');
  });

  it('that is automatic leaves the sequence running', () => {
    spec()
      .givenInputs(['LeadScored', sampleScored({ leadId })])
      .when('ReplyReceived', reply('I am out of office until Monday'))
      .thenState({ enrollment: expect.objectContaining({ status: 'ACTIVE' }) });
  });

  it('that comes twice counts once', () => {
    spec()
      .givenInputs(['LeadScored', sampleScored({ leadId })], ['ReplyReceived', reply('hello')])
      .when('ReplyReceived', reply('hello'))
      .thenSkips('known_reply');
  });

  it.each([
    ['Please take me off your list, I am interested in silence', 'unsubscribe'],
    ['Automatic reply: I am away until May', 'out-of-office'],
    ['No budget this year', 'not-now'],
    ['Happy to talk', 'interested'],
    ['Who are you?', 'other'],
  ])('%j means %s', (text, intent) => {
    expect(intentOf(text)).toBe(intent);
  });
});

describe('a manual reply', () => {
  const manual = { orgId: sampleOrg, leadId, body: 'Thursday?' };
  const spoken = spec().givenInputs(['LeadScored', sampleScored({ leadId })]);

  it('[OU-03] answers what the person wrote last', () => {
    const mail = { ...reply('Tell me more'), transportMessageId: 'abc/1=x@mail.aurora.se.example' };
    spec()
      .givenInputs(['LeadScored', sampleScored({ leadId })], ['ReplyReceived', mail])
      .when('ReplyManually', manual)
      .thenEmits({ name: 'SendMessage', data: { inReplyTo: mail.transportMessageId, subject: 'Re' } });
  });

  it('goes out without a thread when nothing is known to answer', () => {
    spoken.when('ReplyManually', manual).thenEmits({ name: 'SendMessage', data: { inReplyTo: null } });
  });
});

describe('a Message-ID', () => {
  it.each<[string | null, boolean]>([
    ['CAD+abc=xyz_1@mail.gmail.example', true],
    ["a!#$%&'*/=?^`{|}~-b@[10.0.0.1]", true],
    ['0f8fad5b-d9cb-469f-a165-70867728950e', false],
    ['a@b.example\r\nBcc: x@y.example', false],
    ['a b@c.example', false],
    [null, false],
  ])('%j may stand in a header: %j', (id, expected) => {
    expect(isMessageId(id)).toBe(expected);
  });
});

describe('a quoted original', () => {
  it.each([
    'Sounds good, tell me more\n\nOn Mon, 2 Mar 2026 at 10:00, Team <team@demo.lead-flood.example> wrote:\n> just answer "unsubscribe"',
    'Sounds good, tell me more\r\n> unsubscribe',
    'Sounds good, tell me more\n-----Original Message-----\nFrom: Team\nunsubscribe',
    'Sounds good, tell me more\n\nAm 02.03.2026 um 10:00 schrieb Team:\nunsubscribe',
  ])('says nothing about what the person wants: %j', (text) => {
    expect(intentOf(text)).toBe('interested');
  });
});

describe('a call', () => {
  it('[OU-20] with NEVER_CONTACT_AGAIN silences every channel', () => {
    spec()
      .givenInputs(['CallTaskCompleted', completed('NEVER_CONTACT_AGAIN')])
      .when('LeadScored', sampleScored({ leadId }))
      .thenEmits(
        { name: 'LeadNotContacted', data: { reason: 'suppressed' } },
        // Now their addresses are known as well.
        { name: 'ContactSuppressed', data: { reason: 'never_contact_again', person: samplePerson() } },
      );
  });

  it('[OU-20] with NEVER_CONTACT_AGAIN is told to the others, once', () => {
    spec()
      .givenInputs()
      .when('CallTaskCompleted', completed('NEVER_CONTACT_AGAIN'))
      .thenEmits({ name: 'ContactSuppressed', data: { leadId, reason: 'never_contact_again' } });
    spec()
      .givenInputs(['CallTaskCompleted', completed('NEVER_CONTACT_AGAIN')])
      .when('CallTaskCompleted', completed('NEVER_CONTACT_AGAIN'))
      .thenEmitsNothing();
  });

  it('with any other outcome changes nothing here', () => {
    spec()
      .givenInputs()
      .when('CallTaskCompleted', completed('RETRYABLE_REJECTION'))
      .thenSkips('outcome_without_effect');
  });
});

describe('a lead that turns out to be somebody known', () => {
  const merged = {
    orgId: sampleOrg,
    leadId: sampleId('survivor'),
    mergedLeadId: leadId,
    evidence: ['email'],
    mergedAt: testNow,
  };

  it('has its sequence stopped: one person is not written to twice', () => {
    spec()
      .givenInputs(['LeadScored', sampleScored({ leadId })])
      .when('LeadMerged', merged)
      .thenEmitsNothing()
      .thenState({ enrollment: expect.objectContaining({ status: 'STOPPED', stoppedBy: 'merged' }), suppressed: null });
  });

  it('is not enrolled when its score comes after the merge', () => {
    spec()
      .givenInputs(['LeadMerged', merged])
      .when('LeadScored', sampleScored({ leadId }))
      .thenEmits({ name: 'LeadNotContacted', data: { leadId, reason: 'merged' } });
  });
});

describe('a template', () => {
  const lead = sampleScored({ person: samplePerson({ firstName: 'Zoë\r\nBcc: x@y.example' }) });
  const step = (subject: string, body = '') => ({ stepNumber: 1, delayMs: 0, subject, body });

  it('keeps a subject on one line, whatever a name contains', () => {
    expect(render(step('Hi {{ firstName }}'), lead).subject).toBe('Hi Zoë Bcc: x@y.example');
  });

  it.each(['{{ firstName | shell }}', '{% include "/etc/passwd" %}', '{% for i in (1..100000000) %}x{% endfor %}'])(
    'refuses %j',
    (template) => {
      expect(() => render(step('x', template), lead)).toThrow();
    },
  );

  it('sees own properties only', () => {
    expect(render(step('x', '{{ company.constructor.name }}{{ __proto__ }}'), lead).body).toBe('');
  });
});

describe('consent', () => {
  const consent = (refuses: boolean) => ({
    orgId: sampleOrg,
    leadId,
    person: samplePerson(),
    basis: refuses ? 'refused' : 'customer',
    note: null,
    source: 'crm',
    refuses,
    givenAt: testNow,
  });

  it('[OU-20] whoever was handed in as not to be contacted is not, and the others are told', () => {
    spec()
      .givenInputs()
      .when('ConsentRecorded', consent(true))
      .thenEmits({ name: 'ContactSuppressed', data: { leadId, reason: 'consent_refused', person: samplePerson() } });
    spec()
      .givenInputs(['ConsentRecorded', consent(true)])
      .when('LeadScored', sampleScored({ leadId }))
      .thenEmits({ name: 'LeadNotContacted', data: { reason: 'suppressed' } });
  });

  it('a sequence that has begun ends with it', () => {
    spec()
      .givenInputs(['LeadScored', sampleScored({ leadId })])
      .when('ConsentRecorded', consent(true))
      .thenState({ enrollment: expect.objectContaining({ status: 'STOPPED', stoppedBy: 'consent_refused' }) as never });
  });

  it('any other ground changes nothing here', () => {
    spec().givenInputs().when('ConsentRecorded', consent(false)).thenSkips('contact_allowed');
  });
});
