// Orderly end on SIGINT, SIGTERM and SIGHUP: what was started last is stopped first, then the process exits as the
// signal demands. An impatient second signal does not wait; child.ts then kills what is left.

type Stop = () => Promise<void>;

const stops: { readonly name: string; readonly stop: Stop }[] = [];
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
// Ctrl-C under `npm run` arrives twice: from the terminal, and forwarded by npm or bootstrap.js. That is one wish.
const sameWishMs = 1000;
let installed = false;
let endingSince: number | undefined;

/** Registers `stop` to run when a signal ends this process. The returned function takes it back. */
export function onShutdown(name: string, stop: Stop): () => void {
  install();
  const entry = { name, stop };
  stops.push(entry);
  return () => {
    const index = stops.indexOf(entry);
    if (index >= 0) stops.splice(index, 1);
  };
}

function install(): void {
  if (installed) return;
  installed = true;
  for (const [signal, code] of Object.entries(exitCodes)) {
    process.on(signal, () => {
      if (endingSince !== undefined && performance.now() - endingSince < sameWishMs) return;
      if (endingSince !== undefined) process.exit(code);
      endingSince = performance.now();
      // What is under way loses its servers now and fails: that is the end that was asked for, and no news.
      process.on('unhandledRejection', () => undefined).on('uncaughtException', () => undefined);
      void stopAll().finally(() => process.exit(code));
    });
  }
}

async function stopAll(): Promise<void> {
  for (let entry = stops.pop(); entry; entry = stops.pop()) {
    try {
      await entry.stop();
    } catch (error) {
      // The others have to be stopped all the same, and there is nobody left to throw to.
      process.stderr.write(`stopping ${entry.name}: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
}
