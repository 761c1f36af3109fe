/** `runService`: the process that runs one service, so that its main is a few lines: configuration, signals, ways to end. */
import type { z } from 'zod';
import { toError } from '@lead-flood/kernel';
import type { SharedConfig } from './config.ts';
import { readConfig, sharedConfig } from './config.ts';
import type { ServiceDefinition } from './definition.ts';
import { createLog, logError } from './log.ts';
import { startService } from './start-service.ts';

/** Starts the service in this process and ends the process with it. */
export async function runService<T extends z.ZodObject>(definition: ServiceDefinition<T>): Promise<void> {
  const config = readConfigOrExit(definition);
  const log = createLog(definition.name, config);
  const end = (code: number): void => {
    log.flush(() => process.exit(code));
    setTimeout(() => process.exit(code), 500).unref();
  };
  process.on('uncaughtException', (error) => {
    log.fatal({ err: logError(error) }, 'uncaught exception');
    end(1);
  });
  process.on('unhandledRejection', (reason) => {
    log.fatal({ err: logError(toError(reason)) }, 'unhandled rejection');
    end(1);
  });
  const running = startService(definition, config, log, (error) => {
    log.fatal({ err: logError(error) }, 'cannot go on');
    end(1);
  });
  let stopping = false;
  let started = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      log.info({ signal }, 'stopping');
      // Nothing is under way yet, and what is waited for may never come.
      if (!started) {
        end(0);
        return;
      }
      setTimeout(() => {
        end(1);
      }, config.SHUTDOWN_GRACE_MS).unref();
      running
        .then((service) => service.stop())
        .then(
          () => {
            end(0);
          },
          (error: unknown) => {
            log.error({ err: logError(error) }, 'stopping failed');
            end(1);
          },
        );
    });
  }
  await running;
  started = true;
}

function readConfigOrExit<T extends z.ZodObject>(definition: ServiceDefinition<T>): z.infer<T> & SharedConfig {
  try {
    return { ...readConfig(sharedConfig), ...readConfig(definition.config) };
  } catch (error) {
    process.stderr.write(`${definition.name}: ${toError(error).message}\n`);
    process.exit(2);
  }
}
