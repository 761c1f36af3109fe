// What other folders may use of the local stack.
export { readAddresses, toEnvironment, writeAddresses } from './addresses.ts';
export type { Addresses } from './addresses.ts';
export type { Exit } from './child.ts';
export { LocalError, localErrorCodes } from './errors.ts';
export type { LocalErrorCode } from './errors.ts';
export { pollUntil } from './polling.ts';
export { freePort, isFree } from './ports.ts';
export type { Server, ServerName } from './server.ts';
export { onShutdown } from './shutdown.ts';
export { defaultDirectory, repositoryRoot, startStack } from './stack.ts';
export type { Stack, StackOptions } from './stack.ts';
export { startProcess } from './supervisor.ts';
export type { ManagedProcess, ProcessOptions } from './supervisor.ts';
export { serviceNames, startProduct } from './product.ts';
export type { Product, ProductOptions, ServiceName } from './product.ts';
export { startEverything } from './running.ts';
export type { Everything } from './running.ts';
export { createTable } from './table.ts';
