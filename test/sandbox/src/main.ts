// Runs the sandbox as a process of its own: `node src/main.ts [--port 5060] [--smtp-port 5061] [--log-file x.ndjson]`.
// Every option is also an environment variable (see README.md); prints one line of JSON when it listens.
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { startSandbox } from './server.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    'smtp-port': { type: 'string' },
    'log-file': { type: 'string' },
    seed: { type: 'string' },
    host: { type: 'string' },
  },
});
const port = z.coerce.number().int().min(0).max(65_535);
const config = z
  .object({
    httpPort: port,
    smtpPort: port,
    seed: z.coerce.number().int(),
    host: z.string().min(1),
    logFile: z.string().optional(),
  })
  .parse({
    httpPort: values.port ?? process.env['SANDBOX_PORT'] ?? 0,
    smtpPort: values['smtp-port'] ?? process.env['SANDBOX_SMTP_PORT'] ?? 0,
    seed: values.seed ?? process.env['SANDBOX_SEED'] ?? 1,
    host: values.host ?? process.env['SANDBOX_HOST'] ?? '127.0.0.1',
    logFile: values['log-file'] ?? (process.env['SANDBOX_LOG_FILE'] || undefined),
  });

const { logFile, ...rest } = config;
const sandbox = await startSandbox(logFile === undefined ? rest : { ...rest, logFile });
process.stdout.write(`${JSON.stringify({ http: sandbox.httpUrl, smtp: sandbox.smtpUrl })}\n`);

let stopping = false;
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    void sandbox.stop().then(() => process.exit(0));
  });
}
