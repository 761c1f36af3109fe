/**
 * One request and its answer over an undici dispatcher, below undici's own `request`: no stream and no async resource
 * per call (about a third of the price), and the moment at which the request is written is seen, which decides
 * whether a failure leaves the outcome in doubt.
 */
import { CodedError, TransientError } from '@lead-flood/kernel';
import type { Dispatcher } from 'undici';
import type { ProviderErrorCode } from './errors.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export type Exchanged = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
};

export type ExchangeRequest = {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
  readonly method: Method;
  readonly headers: Record<string, string>;
  readonly body: string | null;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly bodyBytesMax: number;
};

/** Resolves with any complete answer, whatever its status. Throws TransientError or CodedError, nothing else. */
export function exchange(dispatcher: Dispatcher, request: ExchangeRequest): Promise<Exchanged> {
  return new Promise((resolve, reject) => {
    const handler = new Exchange(request, resolve, reject);
    if (!handler.open()) return;
    const { origin, path, method, headers, body } = request;
    dispatcher.dispatch({ origin, path, method, headers, body }, handler);
  });
}

class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: ExchangeRequest;
  readonly #resolve: (answer: Exchanged) => void;
  readonly #reject: (error: Error) => void;
  #timer: NodeJS.Timeout | undefined;
  #controller: Dispatcher.DispatchController | null = null;
  #done = false;
  /** Bytes may have left: from here on, no answer means that the outcome is unknown. */
  #written = false;
  #status = 0;
  #headers: Exchanged['headers'] = {};
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(request: ExchangeRequest, resolve: (answer: Exchanged) => void, reject: (error: Error) => void) {
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** False when the caller has already given up. */
  open(): boolean {
    const { signal, timeoutMs } = this.#request;
    if (signal.aborted) {
      this.#onAbort();
      return false;
    }
    signal.addEventListener('abort', this.#onAbort);
    // One timer for queue, connection, headers and body together: a server that trickles bytes does not reset it.
    this.#timer = setTimeout(this.#onTimeout, timeoutMs);
    return true;
  }

  readonly #onAbort = (): void => this.#fail('PRV_ERR_ABORTED', 'given up by the caller', this.#request.signal.reason);
  readonly #onTimeout = (): void => this.#fail('PRV_ERR_TIMEOUT', `no answer within ${this.#request.timeoutMs} ms`);

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // it waited for a connection while the caller gave up: it must not go out now
    if (this.#done) return controller.abort(new Error('given up before it was sent'));
    this.#controller = controller;
    this.#written = true;
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Exchanged['headers']): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    if (Number(headers['content-length'] ?? 0) > this.#request.bodyBytesMax) this.#tooLarge();
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#request.bodyBytesMax) this.#tooLarge();
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (this.#done) return;
    this.#finish();
    const [first] = this.#chunks;
    const bytes = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
    this.#resolve({ status: this.#status, headers: this.#headers, text: bytes.toString() });
  }

  onResponseError(_: unknown, error: Error): void {
    if (this.#done) return;
    if (error instanceof CodedError) {
      this.#finish();
      this.#reject(error);
    } else if ('code' in error && error.code === 'UND_ERR_INVALID_ARG') {
      this.#finish();
      this.#reject(new CodedError('PRV_ERR_BAD_REQUEST', error.message, { cause: error }));
    } else if (this.#written) this.#fail('PRV_ERR_RESET', error.message, error);
    else this.#fail('PRV_ERR_UNREACHABLE', error.message, error);
  }

  #tooLarge(): void {
    this.#fail('PRV_ERR_TOO_LARGE', `the answer has more than ${this.#request.bodyBytesMax} bytes`);
  }

  #fail(code: ProviderErrorCode, message: string, cause?: unknown): void {
    if (this.#done) return;
    this.#finish();
    const error = new TransientError(code, message, { ambiguous: this.#written, cause });
    // closes the connection: the rest of an unwanted answer would otherwise have to be read before the next call
    this.#controller?.abort(error);
    this.#reject(error);
  }

  #finish(): void {
    this.#done = true;
    clearTimeout(this.#timer);
    this.#request.signal.removeEventListener('abort', this.#onAbort);
  }
}
