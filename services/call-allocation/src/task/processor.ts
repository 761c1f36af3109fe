/** Call tasks: what is heard of leads, answers and calls, and the moves of callers and operators. */
import { only, topics } from '@lead-flood/contracts';
import type { Clock } from '@lead-flood/kernel';
import { derivedId, isId, systemClock } from '@lead-flood/kernel';
import type { Queries } from '@lead-flood/postgres';
import type { BatchProcessor, Placed } from '@lead-flood/processor';
import type { AssignTask, Facts, RecallPolicy, ReportOutcome, RequeueTask, Task } from './domain/task.ts';
import {
  assign,
  considerLead,
  hearCall,
  hearMerge,
  hearSuppression,
  initialState,
  offer,
  recall,
  report,
  requeue,
} from './domain/task.ts';
import { readCallers } from '../caller/store.ts';
import { lockCallers } from './matching.ts';
import { tasksToOffer } from './offer.ts';
import { regionOf } from './region.ts';
import type { Asked } from './store.ts';
import { readSilent, store, tasks } from './store.ts';

const reads = [
  topics['scoring.lead.v1'],
  topics['outreach.suppression.v1'],
  topics['ingest.call.v1'],
  topics['call-allocation.recall.v1'],
  topics['call-allocation.offer.v1'],
  only(topics['discovery.lead.v1'], ['LeadMerged']),
] as const;
const writes = [topics['call-allocation.task.v1'], topics['call-allocation.recall.v1']] as const;

export type CallCommands = { AssignTask: AssignTask; ReportOutcome: ReportOutcome; RequeueTask: RequeueTask };

/** One task per lead. */
export const taskIdOf = (leadId: string): string => derivedId('call-task', leadId);

type Input = {
  readonly id: string;
  readonly name: string;
  readonly orgId: string;
  readonly data: {
    readonly orgId: string;
    readonly leadId?: string;
    readonly mergedLeadId?: string;
    readonly taskId?: string | null;
    readonly callerId?: string | null;
    readonly band?: string;
    readonly person?: { readonly phone: string | null; readonly email: string | null };
  };
};

export type CallAllocation = BatchProcessor<Task, typeof reads, typeof writes, Facts, CallCommands>;

const GROUP = 'call-allocation';

export const createCallAllocation = (policy: RecallPolicy, clock: Clock = systemClock): CallAllocation => ({
  group: GROUP,
  // A task is a state machine: what comes after a move that is missing makes no sense.
  parks: true,
  reads,
  writes,
  store,
  initial: () => initialState,
  claim: (tx, inputs) => claim(tx, inputs, clock.now()),
  decide: {
    LeadScored: (state, { data }, ctx) => considerLead(state, data, ctx.facts, ctx.now),
    ContactSuppressed: (state, { data }) => hearSuppression(state, data),
    CallReported: (state, { data }) => hearCall(state, data),
    LeadMerged: (state, { data }) => hearMerge(state, data),
    RecallTask: (state, { data }, ctx) => recall(state, data, ctx.facts, ctx.now),
    OfferTask: (state, { data }, ctx) => offer(state, data, ctx.facts, ctx.now),
    AssignTask: (state, { data }, ctx) => assign(state, data, ctx.facts, ctx.now),
    ReportOutcome: (state, { data }, ctx) => report(state, data, policy, ctx.now),
    RequeueTask: (state, { data }, ctx) => requeue(state, data, ctx.now),
  },
});

async function claim(tx: Queries, inputs: readonly Input[], now: number): Promise<readonly Placed<Facts>[]> {
  const medium = (input: Input): boolean => input.data.band === 'MEDIUM';
  const offered = await offersOf(tx, inputs, now);
  const assigned = inputs.flatMap(({ name, data: { callerId } }) =>
    name === 'AssignTask' && typeof callerId === 'string' && isId(callerId) ? [callerId] : [],
  );
  const callers = await readCallers(tx, assigned);
  const isActive = ({ orgId, data }: Input): boolean => {
    const found = callers.get(data.callerId ?? '');
    return found?.orgId === orgId && found.caller.allocationStatus === 'ACTIVE';
  };
  const placed = inputs.map((input) => {
    const { taskId: named, mergedLeadId } = input.data;
    const leadId = mergedLeadId ?? input.data.leadId;
    // A call that names no task of ours changes none: its own id keeps it apart.
    return named ?? offered.get(input.id) ?? (leadId === undefined ? input.id : taskIdOf(leadId));
  });
  const silent = await silentAmong(tx, inputs, placed);
  return inputs.map((input, n) => {
    const taskId = placed[n] ?? input.id;
    return {
      key: taskId,
      facts: {
        taskId,
        region: medium(input) ? regionOf(input.data.person?.phone ?? null) : null,
        suppressed: silent.has(n),
        offered: offered.has(input.id),
        callerIsActive: isActive(input),
      },
    };
  });
}

/** Inputs that would have somebody called; of them, by place, those about a person who wants silence. */
async function silentAmong(
  tx: Queries,
  inputs: readonly Input[],
  taskIds: readonly string[],
): Promise<ReadonlySet<number>> {
  const ofTask = new Set(['RecallTask', 'AssignTask', 'OfferTask']);
  const stored = await tasks.load(
    tx,
    taskIds.filter((id, n) => ofTask.has(inputs[n]?.name ?? '') && isId(id)),
  );
  const asked = inputs.flatMap(({ name, orgId, data }, n): Asked[] => {
    if (name === 'LeadScored' && data.band === 'MEDIUM' && data.leadId !== undefined)
      return [{ n, orgId, leadId: data.leadId, person: data.person ?? null }];
    const state = ofTask.has(name) ? stored.get(taskIds[n] ?? '')?.state : undefined;
    return state?.kind === 'task' ? [{ n, orgId, leadId: state.leadId, person: state }] : [];
  });
  return readSilent(tx, asked);
}

async function offersOf(tx: Queries, inputs: readonly Input[], now: number): Promise<ReadonlyMap<string, string>> {
  const giving = inputs.flatMap(({ id, name, orgId, data: { callerId } }) =>
    (name === 'OfferTask' || name === 'AssignTask') && typeof callerId === 'string'
      ? [{ id, name, orgId, callerId }]
      : [],
  );
  await lockCallers(
    tx,
    giving.map(({ callerId }) => callerId),
  );
  return tasksToOffer(
    tx,
    GROUP,
    giving.filter(({ name }) => name === 'OfferTask'),
    now,
  );
}
