// Every way the local stack can fail to come up, as a closed table of codes: key = code.

export const localErrorCodes = {
  LOCAL_ERR_NO_JAVA: 'no Java runtime of the needed version, and none could be fetched',
  LOCAL_ERR_FETCH_FAILED: 'a server could not be fetched from its package registry',
  LOCAL_ERR_NO_BINARY: 'a server binary does not exist for this platform or does not run',
  LOCAL_ERR_PORT_TAKEN: 'another process listens on the port',
  LOCAL_ERR_EXITED_EARLY: 'a process ended before it was ready',
  LOCAL_ERR_NOT_READY: 'a process did not become ready in time',
  LOCAL_ERR_ALREADY_RUNNING: 'a stack is already running in this folder',
  LOCAL_ERR_NOT_RUNNING: 'no stack of this clone is running',
  LOCAL_ERR_COMMAND_FAILED: 'a tool ended with an error',
  LOCAL_ERR_UNKNOWN_STACK: 'STACK names no way to get a stack',
  LOCAL_ERR_NO_CONTAINERS: 'a stack of containers is asked for, and no container engine answers',
  LOCAL_ERR_PARTIAL_ADDRESSES: 'some, but not all, server addresses are in the environment',
} as const;

export type LocalErrorCode = keyof typeof localErrorCodes;

export class LocalError extends Error {
  readonly code: LocalErrorCode;

  constructor(code: LocalErrorCode, message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options);
    this.name = 'LocalError';
    this.code = code;
  }
}

/** The errno of a failed system call (`ENOENT`), or undefined for any other error. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
