// Where a stack comes from, decided here and nowhere else: servers that run already, our own processes, or containers.
import { addressesFromEnvironment } from './addresses.ts';
import type { Addresses } from './addresses.ts';
import { LocalError } from './errors.ts';

export type StackSource =
  /** All four addresses are in the environment: whoever named them has started the servers, so nothing is started here. */
  | { readonly kind: 'given'; readonly addresses: Addresses }
  /** From jars and npm packages, as processes of this machine; needs no container engine. */
  | { readonly kind: 'processes' }
  /** From the images of docker-compose.yml, by Testcontainers; wherever a container engine answers. */
  | { readonly kind: 'containers' };

/** `STACK`: processes (the default) or containers. Addresses in the environment win over it. */
export function stackSource(env: NodeJS.ProcessEnv = process.env): StackSource {
  const addresses = addressesFromEnvironment(env);
  if (addresses !== undefined) return { kind: 'given', addresses };
  const asked = env['STACK'] ?? '';
  if (asked === '' || asked === 'processes') return { kind: 'processes' };
  if (asked === 'containers') return { kind: 'containers' };
  throw new LocalError('LOCAL_ERR_UNKNOWN_STACK', `STACK=${asked}: there are processes (the default) and containers`);
}
