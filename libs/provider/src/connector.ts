/**
 * Opens connections for undici, and only to addresses that may be reached. The check sits here and not before the
 * request, because a name that was harmless when it was checked may resolve elsewhere when it is dialled (DNS
 * rebinding): the addresses checked are the very ones handed to the socket.
 */
import { lookup as systemLookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { isIP } from 'node:net';
import { CodedError, toError } from '@lead-flood/kernel';
import { buildConnector } from 'undici';
import { mayConnect } from './address.ts';

export type ResolvedAddress = { readonly address: string; readonly family: number };
/** Answers all addresses of a name, or rejects. */
export type Resolver = (hostname: string) => Promise<readonly ResolvedAddress[]>;

export const systemResolver: Resolver = (hostname) => systemLookup(hostname, { all: true });

export type ConnectorOptions = {
  readonly allowPrivate: boolean;
  readonly resolve: Resolver;
  readonly connectTimeoutMs: number;
};

export function forbidden(host: string, address: string): CodedError {
  return new CodedError('PRV_ERR_FORBIDDEN_ADDRESS', `${host} may not be contacted`, { details: { host, address } });
}

export function createConnector(options: ConnectorOptions): buildConnector.connector {
  const { allowPrivate } = options;
  const connect = buildConnector({
    timeout: options.connectTimeoutMs,
    // HTTP/2 would put all calls on one connection: one reset would then put every call in flight in doubt
    allowH2: false,
    lookup: guardedLookup(options),
  });
  return (target, callback) => {
    // a literal address is dialled without a lookup, so the guard in the lookup would never see it
    if (isIP(target.hostname) !== 0 && !mayConnect(target.hostname, allowPrivate)) {
      queueMicrotask(() => callback(forbidden(target.hostname, target.hostname), null));
      return;
    }
    connect(target, (...[error, socket]) => {
      if (error !== null) return callback(error, null);
      const reached = socket.remoteAddress ?? '';
      // The second net: whatever the lookup said, this is where we are. Cheap, it runs once a connection.
      if (mayConnect(reached, allowPrivate)) return callback(null, socket);
      socket.destroy();
      return callback(forbidden(target.hostname, reached), null);
    });
  };
}

/** One forbidden address among several refuses the name: a host that mixes both is not a host to be sure of. */
export function guardedLookup({
  allowPrivate,
  resolve,
}: Pick<ConnectorOptions, 'allowPrivate' | 'resolve'>): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        const bad = addresses.find(({ address }) => !mayConnect(address, allowPrivate));
        const [first] = addresses;
        if (bad !== undefined) callback(forbidden(hostname, bad.address), '', 0);
        else if (first === undefined) callback(new Error(`${hostname} has no address`), '', 0);
        else if (options.all === true) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(toError(error), '', 0),
    );
  };
}
