// Stack and product together, as `start`, `demo` and load tests need them, with a list that turns green by name.
import { toProductAddresses } from './product-addresses.ts';
import type { ProductAddresses } from './hints.ts';
import type { Product } from './product.ts';
import { serviceNames, startProduct } from './product.ts';
import { showReadiness } from './readiness-list.ts';
import { serverNames } from './addresses.ts';
import type { Stack } from './stack.ts';
import { startStack } from './stack.ts';

export interface RunningOptions {
  readonly preferUsualPorts: boolean;
  readonly directory?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly postgresSettings?: Readonly<Record<string, string>>;
}

export interface Everything {
  readonly stack: Stack;
  readonly product: Product;
  readonly addresses: ProductAddresses;
  readonly startMs: number;
  stop(): Promise<void>;
}

export async function startEverything(options: RunningOptions): Promise<Everything> {
  const startedAt = performance.now();
  const list = showReadiness([...serverNames, 'sandbox', ...serviceNames]);
  const stack = await startStack({
    preferUsualPorts: options.preferUsualPorts,
    ...(options.directory === undefined ? {} : { directory: options.directory }),
    ...(options.postgresSettings === undefined ? {} : { postgresSettings: options.postgresSettings }),
    log: list.log,
    onReady: (server) => {
      list.ready(server.name, `${server.address}  ${(server.startMs / 1000).toFixed(1)} s`);
    },
  });
  try {
    const product = await startProduct({
      stack,
      preferUsualPorts: options.preferUsualPorts,
      onReady: list.ready,
      ...(options.env === undefined ? {} : { env: options.env }),
    });
    const startMs = performance.now() - startedAt;
    process.stdout.write(`ready in ${(startMs / 1000).toFixed(1)} s\n`);
    return {
      stack,
      product,
      addresses: toProductAddresses(stack, product),
      startMs,
      stop: async () => {
        await product.stop();
        await stack.stop();
      },
    };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}
