/**
 * Named places at which a test may make the world fail. Adapters call `fault('db.commit')` just before and after
 * they touch something outside; in production the hook is empty and the call costs one comparison.
 */

export type FaultHook = (point: string) => void | Promise<void>;

let hook: FaultHook | null = null;

/** Installs the hook (tests and rehearsals only); `null` takes it out. */
export function setFaultHook(next: FaultHook | null): void {
  hook = next;
}

/** Passes a named point. Throws, or never returns, when a test says so. */
export async function fault(point: string): Promise<void> {
  if (hook !== null) await hook(point);
}
