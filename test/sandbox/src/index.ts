// The door of the sandbox for tests, the demo and load tests: start one in the own process, and invent people.
export { startSandbox } from './server.ts';
export type { Sandbox, SandboxOptions } from './server.ts';
export { otherSpelling, person, phoneWindow } from './people.ts';
export type { Person } from './people.ts';
export { isReservedPhone } from './phones.ts';
export { providerNames } from './settings.ts';
export type { DeliverTo, MailSettings, ProviderName, ProviderSettings } from './settings.ts';
