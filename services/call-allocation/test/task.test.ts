/** Tasks and calls, given / when / then. */
import { describe, expect, it } from 'vitest';
import { erase } from '@lead-flood/processor';
import { sampleId, sampleOrg, samplePerson, sampleScored, specify, testNow } from '@lead-flood/testing';
import type { Facts } from '../src/domain/task.ts';
import { callAllocation, calls, taskIdOf } from '../src/processor.ts';
import { regionOf } from '../src/region.ts';

const leadId = sampleId('lead');
const taskId = taskIdOf(leadId);
const callerId = sampleId('caller');
const facts: Facts = {
  taskId,
  region: { regionIso: 'SE', languageCode: 'sv', timezone: 'Europe/Stockholm' },
  suppressed: false,
};
const medium = sampleScored({ leadId, band: 'MEDIUM', value: 55 });
const spec = (given: Partial<Facts> = {}) => specify(erase(callAllocation), { ...facts, ...given });
const command = { orgId: sampleOrg, taskId };

describe('a scored lead', () => {
  it('that is MEDIUM and has a phone becomes a task', () => {
    spec()
      .givenInputs()
      .when('LeadScored', medium)
      .thenEmits({ name: 'CallTaskCreated', data: { leadId, taskId, regionIso: 'SE', languageCode: 'sv' } });
  });

  it.each([
    ['no_phone', sampleScored({ band: 'MEDIUM', person: samplePerson({ phone: null }) }), {}],
    ['no_region', medium, { region: null }],
    ['suppressed', medium, { suppressed: true }],
  ])('gets a stated reason instead: %s', (reason, lead, given) => {
    spec(given).givenInputs().when('LeadScored', lead).thenEmits({ name: 'CallTaskDeclined', data: { reason } });
  });

  it('of another band is not called', () => {
    spec()
      .givenInputs()
      .when('LeadScored', sampleScored({ band: 'HIGH' }))
      .thenSkips('not_medium');
  });
});

describe('a task', () => {
  const assigned = ['AssignTask', { ...command, callerId }] as const;

  it('[CA-04] is held by one caller', () => {
    spec()
      .givenInputs(['LeadScored', medium])
      .when('AssignTask', { ...command, callerId })
      .thenEmits({ name: 'CallTaskAssigned', data: { callerId } });
    spec()
      .givenInputs(['LeadScored', medium], assigned)
      .when('AssignTask', { ...command, callerId: sampleId('other') })
      .thenRejects('CAL_ERR_TASK_TAKEN');
  });

  it.each(['INTERESTED_SIGNUP_LINK_SENT', 'RETRYABLE_REJECTION', 'NEVER_CONTACT_AGAIN'] as const)(
    '[CA-05] is completed with %s',
    (outcome) => {
      spec()
        .givenInputs(['LeadScored', medium], assigned)
        .when('ReportOutcome', { ...command, callerId, outcome })
        .thenEmits({ name: 'CallTaskCompleted', data: { outcome, callerId } });
    },
  );

  it('is not there for a caller who does not hold it', () => {
    spec()
      .givenInputs(['LeadScored', medium], assigned)
      .when('ReportOutcome', { ...command, callerId: sampleId('other'), outcome: 'RETRYABLE_REJECTION' })
      .thenRejects('CAL_ERR_UNKNOWN_TASK');
  });

  it('[SM-16] refuses moves that its state does not allow', () => {
    const done = spec().givenInputs(['LeadScored', medium], assigned, [
      'ReportOutcome',
      { ...command, callerId, outcome: 'RETRYABLE_REJECTION' },
    ]);
    done
      .when('ReportOutcome', { ...command, callerId, outcome: 'RETRYABLE_REJECTION' })
      .thenRejects('CAL_ERR_INVALID_TRANSITION');
    done.when('RequeueTask', { ...command, reason: 'again' }).thenRejects('CAL_ERR_INVALID_TRANSITION');
  });

  it('[CA-07] goes back to the queue with a reason', () => {
    spec()
      .givenInputs(['LeadScored', medium], assigned)
      .when('RequeueTask', { ...command, reason: 'caller left' })
      .thenEmits({ name: 'CallTaskRequeued', data: { reason: 'caller left' } })
      .thenState({ status: 'PENDING', callerId: null });
  });

  it('[SM-11] is dialling once the call has started', () => {
    const call = {
      orgId: sampleOrg,
      eventId: 'e',
      type: 'call.started',
      callId: 'c',
      taskId,
      callerId,
      occurredAt: testNow,
      durationSeconds: null,
      recordingUrl: null,
    };
    spec().givenInputs(['LeadScored', medium], assigned).when('CallReported', call).thenState({ status: 'DIALING' });
  });

  describe('when the lead asks for silence by mail', () => {
    const reply = {
      orgId: sampleOrg,
      leadId,
      messageId: null,
      threadId: sampleId('thread'),
      replyId: sampleId('reply'),
      channel: 'email',
      intent: 'unsubscribe',
      repliedAt: testNow,
    };
    it('is cancelled while it waits', () => {
      spec().givenInputs(['LeadScored', medium]).when('MessageReplied', reply).thenState({ status: 'CANCELLED' });
    });
    it('is cancelled in the hands of a caller, who cannot complete it any more', () => {
      spec()
        .givenInputs(['LeadScored', medium], assigned)
        .when('MessageReplied', reply)
        .thenState({ status: 'CANCELLED' });
      spec()
        .givenInputs(['LeadScored', medium], assigned, ['MessageReplied', reply])
        .when('ReportOutcome', { ...command, callerId, outcome: 'RETRYABLE_REJECTION' })
        .thenRejects('CAL_ERR_INVALID_TRANSITION');
    });
    it('that is not there yet is remembered as declined', () => {
      spec().givenInputs().when('MessageReplied', reply).thenState({ kind: 'declined', reason: 'unsubscribed' });
    });
  });
});

describe('a call', () => {
  const report = (type: string, durationSeconds: number | null = null) => ({
    orgId: sampleOrg,
    eventId: type,
    type,
    callId: 'c',
    taskId,
    callerId,
    occurredAt: testNow,
    durationSeconds,
    recordingUrl: null,
  });
  const log = specify(erase(calls), undefined);

  it('[GW-22] is logged once it has ended, answered or not', () => {
    log
      .givenInputs(['CallReported', report('call.started')], ['CallReported', report('call.answered')])
      .when('CallReported', report('call.ended', 42))
      .thenEmits({ name: 'CallLogged', data: { result: 'answered', durationSeconds: 42 } });
    log
      .givenInputs(['CallReported', report('call.started')])
      .when('CallReported', report('call.ended'))
      .thenEmits({ name: 'CallLogged', data: { result: 'no-answer' } });
  });

  it('counts an event that comes twice once', () => {
    log
      .givenInputs(['CallReported', report('call.started')])
      .when('CallReported', report('call.started'))
      .thenSkips('known_event');
  });
});

describe('a number', () => {
  it('tells where it rings', () => {
    expect(regionOf('+442079460123')).toEqual({ regionIso: 'GB', timezone: 'Europe/London', languageCode: 'en' });
    expect(regionOf('+12125550123')).toMatchObject({ regionIso: 'US' });
    expect(regionOf(null)).toBeNull();
  });
});
