/** Tasks and calls, given / when / then. */
import { describe, expect, it } from 'vitest';
import type { Events, EventsOf } from '@lead-flood/contracts';
import { sampleId, sampleOrg, samplePerson, sampleScored, specify, testNow } from '@lead-flood/testing';
import type { InputOf } from '@lead-flood/testing';
import type { Facts, ReportOutcome } from '../src/task/domain/task.ts';
import type { CallAllocation, CallCommands } from '../src/task/processor.ts';
import { calls } from '../src/call/processor.ts';
import { createCallAllocation, taskIdOf } from '../src/task/processor.ts';

const leadId = sampleId('lead');
const taskId = taskIdOf(leadId);
const callerId = sampleId('caller');
const facts: Facts = {
  taskId,
  region: { regionIso: 'SE', languageCode: 'sv', timezones: ['Europe/Stockholm'] },
  suppressed: false,
  offered: false,
  callerIsActive: true,
};
const medium = sampleScored({ leadId, band: 'MEDIUM', value: 55 });
const policy = { retryMs: 48 * 3_600_000, chaseMs: 24 * 3_600_000, recallsMax: 3 };
const spec = (given: Partial<Facts> = {}) => specify(createCallAllocation(policy), { ...facts, ...given });
type Input = InputOf<Pick<Events, EventsOf<CallAllocation['reads']>> & CallCommands>;
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

  describe('that is offered to a caller by the clock', () => {
    const given = ['OfferTask', { orgId: sampleOrg, callerId, offeredAt: testNow }] as const;

    it('[X-SC-03] is assigned as if the caller had asked', () => {
      spec({ offered: true })
        .givenInputs(['LeadScored', medium])
        .when(...given)
        .thenEmits({ name: 'CallTaskAssigned', data: { taskId, callerId } })
        .thenState({ status: 'ASSIGNED', callerId });
    });
    it('stays with whoever was quicker, and nothing is rejected', () => {
      spec({ offered: true })
        .givenInputs(['LeadScored', medium], ['AssignTask', { ...command, callerId: sampleId('other') }])
        .when(...given)
        .thenSkips('task_taken');
      spec()
        .givenInputs()
        .when(...given)
        .thenSkips('nothing_to_offer');
    });
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

  describe('when the person is not to be contacted any more', () => {
    const reply = {
      orgId: sampleOrg,
      leadId,
      person: samplePerson({ email: 'Ana+news@aurora.se.example', phone: null }),
      reason: 'unsubscribed',
      suppressedAt: testNow,
    };
    it('is cancelled while it waits', () => {
      spec().givenInputs(['LeadScored', medium]).when('ContactSuppressed', reply).thenState({ status: 'CANCELLED' });
    });
    it('is cancelled in the hands of a caller, who cannot complete it any more', () => {
      spec()
        .givenInputs(['LeadScored', medium], assigned)
        .when('ContactSuppressed', reply)
        .thenState({ status: 'CANCELLED' });
      spec()
        .givenInputs(['LeadScored', medium], assigned, ['ContactSuppressed', reply])
        .when('ReportOutcome', { ...command, callerId, outcome: 'RETRYABLE_REJECTION' })
        .thenRejects('CAL_ERR_INVALID_TRANSITION');
    });
    it('that is not there yet is remembered as declined', () => {
      spec()
        .givenInputs()
        .when('ContactSuppressed', reply)
        .thenState({
          kind: 'declined',
          reason: 'suppressed',
          silent: [{ kind: 'email', value: 'ana@aurora.se.example' }],
        });
    });
  });
});

describe('after an outcome', () => {
  const held = [
    ['LeadScored', medium],
    ['AssignTask', { ...command, callerId }],
  ] as const;
  const outcome = (name: ReportOutcome['outcome']) =>
    ['ReportOutcome', { ...command, callerId, outcome: name }] as const;
  const back = (reason: string, completedAt = testNow) =>
    ['RecallTask', { orgId: sampleOrg, leadId, taskId, reason, completedAt }] as const;
  const silence = {
    orgId: sampleOrg,
    leadId,
    person: samplePerson(),
    reason: 'unsubscribed',
    suppressedAt: testNow,
  };

  it.each<[ReportOutcome['outcome'], string, number]>([
    ['RETRYABLE_REJECTION', 'retryable_rejection', policy.retryMs],
    ['INTERESTED_SIGNUP_LINK_SENT', 'signup_chase', policy.chaseMs],
  ])('[CA-10] %s asks by a timer for another call', (name, reason, delayMs) => {
    const { decision } = spec()
      .givenInputs(...held)
      .when(...outcome(name))
      .thenEmits({ name: 'CallTaskCompleted', data: { outcome: name as 'RETRYABLE_REJECTION' } })
      .thenState({ status: 'COMPLETED' });
    expect(decision).toMatchObject({
      timers: [
        { dueAt: testNow + delayMs, event: { name: 'RecallTask', data: { taskId, reason, completedAt: testNow } } },
      ],
    });
    spec()
      .givenInputs(...held, outcome(name))
      .when(...back(reason))
      .thenEmits({ name: 'CallTaskRequeued', data: { taskId, reason } })
      .thenState({ status: 'PENDING', callerId: null, outcome: null, requeueReason: reason });
  });

  it('[CA-10] NEVER_CONTACT_AGAIN asks for none', () => {
    const { decision } = spec()
      .givenInputs(...held)
      .when(...outcome('NEVER_CONTACT_AGAIN'));
    expect(decision).toMatchObject({ timers: [] });
  });

  it('[CA-10] a task that is not waiting for this call stays as it is', () => {
    const completed = [...held, outcome('RETRYABLE_REJECTION')] as const;
    spec()
      .givenInputs(...completed, back('retryable_rejection'))
      .when(...back('retryable_rejection'))
      .thenSkips('recall_without_effect');
    spec()
      .givenInputs(...completed)
      .when(...back('retryable_rejection', testNow - 1))
      .thenSkips('recall_without_effect');
  });

  it('[CA-10] who has asked for silence meanwhile is not called again', () => {
    const completed = [...held, outcome('INTERESTED_SIGNUP_LINK_SENT')] as const;
    spec()
      .givenInputs(...completed)
      .when('ContactSuppressed', silence)
      .thenState({ status: 'CANCELLED' });
    spec()
      .givenInputs(...completed, ['ContactSuppressed', silence])
      .when(...back('signup_chase'))
      .thenSkips('recall_without_effect');
    spec({ suppressed: true })
      .given(stateAfter(completed))
      .when(...back('signup_chase'))
      .thenEmitsNothing()
      .thenState({ status: 'COMPLETED' });
  });

  it('[CA-20] comes back three times and no more', () => {
    const round = [held[1], outcome('INTERESTED_SIGNUP_LINK_SENT'), back('signup_chase')] as const;
    const { decision } = spec()
      .givenInputs(held[0], ...round, ...round, ...round, held[1])
      .when(...outcome('INTERESTED_SIGNUP_LINK_SENT'));
    expect(decision).toMatchObject({ state: { status: 'COMPLETED', recalls: 3 }, timers: [] });
  });

  function stateAfter(inputs: readonly Input[]) {
    const last = inputs.at(-1);
    if (last === undefined) throw new Error('expected an input');
    const { decision } = spec()
      .givenInputs(...inputs.slice(0, -1))
      .when(last[0], last[1]);
    if (decision.kind !== 'apply') throw new Error('expected a task');
    return decision.state;
  }
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
  const log = specify(calls, undefined);

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

describe('a lead that turns out to be somebody known', () => {
  const merged = {
    orgId: sampleOrg,
    leadId: sampleId('survivor'),
    mergedLeadId: leadId,
    evidence: ['email'],
    mergedAt: testNow,
  };
  const assigned = ['AssignTask', { ...command, callerId }] as const;
  const completed = ['ReportOutcome', { ...command, callerId, outcome: 'RETRYABLE_REJECTION' }] as const;

  it.each([
    ['waits', [] as const],
    ['is held', [assigned] as const],
    ['will come back', [assigned, completed] as const],
  ])('has its task cancelled while it %s', (_how, inputs) => {
    spec()
      .givenInputs(['LeadScored', medium], ...inputs)
      .when('LeadMerged', merged)
      .thenEmitsNothing()
      .thenState({ status: 'CANCELLED', cancelledBy: 'merged' });
  });

  it('has its call finished by whoever is on the telephone, and no other after it', () => {
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
    const dialling = spec().givenInputs(
      ['LeadScored', medium],
      assigned,
      ['CallReported', call],
      ['LeadMerged', merged],
    );
    dialling.when('RequeueTask', { ...command, reason: 'again' }).thenRejects('CAL_ERR_INVALID_TRANSITION');
    dialling.when(...completed).thenEmits({ name: 'CallTaskCompleted', data: { outcome: 'RETRYABLE_REJECTION' } });
    const { decision } = dialling.when(...completed);
    expect(decision).toMatchObject({ timers: [] });
  });

  it('keeps what was done: a completed task stays completed', () => {
    spec()
      .givenInputs(['LeadScored', medium], assigned, [
        'ReportOutcome',
        { ...command, callerId, outcome: 'NEVER_CONTACT_AGAIN' },
      ])
      .when('LeadMerged', merged)
      .thenSkips('merge_without_effect');
  });

  it('gets no task when its score comes after the merge', () => {
    spec()
      .givenInputs(['LeadMerged', merged])
      .when('LeadScored', medium)
      .thenEmits({ name: 'CallTaskDeclined', data: { reason: 'merged' } });
  });
});

describe('outside the calling hours of the place where it rings', () => {
  const night = Date.parse('2026-03-02T22:00:00Z');
  const late = (given: Partial<Facts> = {}) => specify(createCallAllocation(policy), { ...facts, ...given }, night);
  const waiting = ['LeadScored', medium] as const;
  const again: readonly Input[] = [
    waiting,
    ['RecallTask', { orgId: sampleOrg, leadId, taskId, reason: 'signup_chase', completedAt: night }],
  ];

  it('[CA-19] a task is not assigned, whoever asks', () => {
    late()
      .givenInputs(waiting)
      .when('AssignTask', { ...command, callerId })
      .thenRejects('CAL_ERR_OUTSIDE_HOURS');
  });

  it('[CA-19] an offer of the clock gives nothing', () => {
    late({ offered: true })
      .givenInputs(waiting)
      .when('OfferTask', { orgId: sampleOrg, callerId, offeredAt: night })
      .thenSkips('outside_hours');
  });

  it('[CA-19] a recalled or chased one waits in the queue, and is not given either', () => {
    late()
      .givenInputs(...again)
      .when('AssignTask', { ...command, callerId })
      .thenRejects('CAL_ERR_OUTSIDE_HOURS');
  });
});
