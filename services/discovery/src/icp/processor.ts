/** ICPs are changed by commands of REST only, so nothing is read from a topic; what becomes of them is told on one. */
import { topics } from '@lead-flood/contracts';
import type { BatchProcessor } from '@lead-flood/processor';
import type { CreateIcp, DeleteIcp, Icp, UpdateIcp } from './domain.ts';
import { create, initialState, remove, update } from './domain.ts';
import { icps } from './store.ts';

const reads = [] as const;
const writes = [topics['discovery.icp.v1']] as const;

export type IcpCommands = { CreateIcp: CreateIcp; UpdateIcp: UpdateIcp; DeleteIcp: DeleteIcp };

export const icpProcessor: BatchProcessor<Icp, typeof reads, typeof writes, undefined, IcpCommands> = {
  group: 'discovery-icps',
  reads,
  writes,
  store: icps,
  initial: () => initialState,
  decide: {
    CreateIcp: (state, { data }, ctx) => create(state, data, ctx.now),
    UpdateIcp: (state, { data }, ctx) => update(state, data, ctx.now),
    DeleteIcp: (state, { data }, ctx) => remove(state, data, ctx.now),
  },
};
