/**
 * Faults for one part of a test only. The hook of libs/kernel is the process's own; here it is handed on by the
 * asynchronous context in which something was started, so that lines may run side by side and one member of a group may
 * fail while the other works.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { FaultHook } from '@lead-flood/kernel';
import { setFaultHook } from '@lead-flood/kernel';

type Held = { hook: FaultHook | null };

export type FaultScope = {
  /** What is started here, and everything that follows from it, passes the scope's hook. */
  readonly run: <T>(start: () => T) => T;
  readonly onFault: (hook: FaultHook | null) => void;
};

const current = new AsyncLocalStorage<Held>();
/** Runs outside whatever transaction or scope the caller is in; slonik would refuse a second connection inside one. */
export const outsideOfAll = AsyncLocalStorage.snapshot();

export function createFaultScope(): FaultScope {
  const held: Held = { hook: null };
  return {
    run: (start) => current.run(held, start),
    onFault: (hook) => {
      held.hook = hook;
      setFaultHook((point) => current.getStore()?.hook?.(point));
    },
  };
}
