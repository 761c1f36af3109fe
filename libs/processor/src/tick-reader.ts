/**
 * What every consumer of ticks has in common: it remembers the newest tick of each clock in its service's table `clocks`,
 * by which the version guard drops a tick that was written twice. Spread into a processor; what a tick sets off is its own.
 */
import { z } from 'zod';
import { topics } from '@lead-flood/contracts';
import { derivedId } from '@lead-flood/kernel';
import { createDocumentStore } from '@lead-flood/postgres';

/** The newest tick of one clock. */
export type HeardTick = { readonly tick: string; readonly period: number; readonly dueAt: number };

const heard: z.ZodType<HeardTick> = z.object({ tick: z.string(), period: z.int(), dueAt: z.number() });

export const tickReads = [topics['platform.tick.v1']] as const;

export const tickReader = {
  reads: tickReads,
  store: createDocumentStore<HeardTick>({ table: 'clocks', state: heard }),
  initial: (): HeardTick => ({ tick: '', period: 0, dueAt: 0 }),
  keyOf: ({ data }: { readonly data: { readonly tick: string } }): string => derivedId('clock', data.tick),
};
