/** Callers are changed by commands of REST only; what becomes of them is told on a topic. */
import { topics } from '@lead-flood/contracts';
import type { BatchProcessor } from '@lead-flood/processor';
import type { Caller, ChangeCaller, CreateCaller, Facts } from './domain.ts';
import { change, create, initialState } from './domain.ts';
import { callers, takenByOthers } from './store.ts';

const reads = [] as const;
const writes = [topics['call-allocation.caller.v1']] as const;

export type CallerCommands = { CreateCaller: CreateCaller; ChangeCaller: ChangeCaller };

export const callerProcessor: BatchProcessor<Caller, typeof reads, typeof writes, Facts, CallerCommands> = {
  group: 'call-allocation-callers',
  reads,
  writes,
  store: callers,
  initial: () => initialState,
  facts: async (tx, inputs) => {
    const asked = inputs.map(({ name, data }) => {
      const { orgId, callerId } = data;
      if (name === 'ChangeCaller') return { orgId, callerId, email: data.change.email ?? null, userId: null };
      return { orgId, callerId, email: data.caller.email, userId: data.caller.userId ?? null };
    });
    return (await takenByOthers(tx, asked)).map((taken) => ({ taken }));
  },
  decide: {
    CreateCaller: (state, { data }, ctx) => create(state, data, ctx.facts, ctx.now),
    ChangeCaller: (state, { data }, ctx) => change(state, data, ctx.facts, ctx.now),
  },
};
