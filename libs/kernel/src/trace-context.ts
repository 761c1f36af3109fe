/**
 * Which trace the work under way belongs to, as a W3C `traceparent`, carried along by the runtime so that no function
 * between a door and an outbox has to pass it on. Empty unless libs/service exports traces.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

const active = new AsyncLocalStorage<string>();

export const activeTraceparent = (): string | null => active.getStore() ?? null;

export const withTraceparent = <R>(traceparent: string, body: () => R): R => active.run(traceparent, body);
