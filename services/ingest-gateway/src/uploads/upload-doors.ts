/** The doors through which many leads come at once: a CSV file, or a JSON array. */
import multipart from '@fastify/multipart';
import { uploadRoutes, uploadRowCursor } from '@lead-flood/contracts';
import { CodedError, derivedId, randomId } from '@lead-flood/kernel';
import type { HttpExchange, HttpHandlers, HttpServer } from '@lead-flood/service';
import { addRoutes } from '@lead-flood/service';
import type { Gate } from '../access/gate.ts';
import type { GatewayConfig } from '../config.ts';
import { createPlaces } from '../limits/places.ts';
import type { Answer, Idempotency } from '../proxy/idempotency.ts';
import { hashRequest, readIdempotencyKey } from '../proxy/idempotency.ts';
import { checkHead, countRows, readLeads } from './csv-leads.ts';
import type { IntakeDeps } from './lead-intake.ts';
import { checkRow, commitIntake } from './lead-intake.ts';
import { createStandBack } from './stand-back.ts';
import type { Spooled } from './spool.ts';
import { spool } from './spool.ts';
import { findUpload, listRefused } from './upload-store.ts';

export type UploadDeps = IntakeDeps & {
  readonly config: GatewayConfig;
  readonly idempotency: Idempotency;
  readonly gate: Gate;
};

const { uploadLeads, uploadRows, bulkLeads } = uploadRoutes;
const REFUSALS_SHOWN_MAX = 100;

const jsonRoutes = { uploadRows, bulkLeads };
const fileRoutes = { uploadLeads };

export function addUploadDoors(server: HttpServer, deps: UploadDeps): void {
  const authenticate = (request: HttpExchange['request']) => Promise.resolve(deps.gate.callerOf(request).principal);
  addRoutes(server, jsonRoutes, jsonHandlers(deps), authenticate);
  // A scope of its own: nowhere else may a body be a form.
  server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    await scope.register(multipart, {
      throwFileSizeLimit: false,
      limits: { files: 1, fields: 10, fileSize: deps.config.UPLOAD_BYTES_MAX },
    });
    addRoutes(scope, fileRoutes, fileHandlers(deps), authenticate);
  });
}

const jobIdOf = (orgId: string, key: string | null, hash: string): string =>
  key === null ? randomId() : derivedId(orgId, 'upload', key, hash);

const jsonHandlers = (deps: UploadDeps): HttpHandlers<typeof jsonRoutes> => ({
  uploadRows: async ({ params, query, principal }) => {
    const upload = await findUpload(deps.database, principal.orgId, params.jobId);
    if (upload === null) throw new CodedError('IGW_ERR_UNKNOWN_UPLOAD', `there is no upload ${params.jobId}`);
    const rows = await listRefused(deps.database, upload.id, query.cursor?.[0] ?? 0, query.limit + 1);
    const items = rows.slice(0, query.limit);
    const last = items.at(-1);
    return {
      items: [...items],
      nextCursor: rows.length > query.limit && last !== undefined ? uploadRowCursor.write([last.row]) : null,
    };
  },
  bulkLeads: async ({ body, principal, correlationId }, exchange) => {
    const key = readIdempotencyKey(exchange.request.headers['idempotency-key']);
    const hash = key === null ? '' : hashRequest(JSON.stringify(body));
    const jobId = jobIdOf(principal.orgId, key, hash);
    const work = async (): Promise<Answer> => {
      const { accepted } = await takeIn(
        deps,
        (after) => body.map((fields, i) => checkRow(i + 1, fields)).slice(after),
        {
          jobId,
          orgId: principal.orgId,
          userId: principal.userId,
          kind: 'json',
          correlationId,
          rowsTotal: body.length,
        },
        exchange,
      );
      const refused = await listRefused(deps.database, jobId, 0, body.length);
      return { status: 202, body: JSON.stringify({ jobId, accepted, refused }) };
    };
    return bulkLeads.answer.parse(
      await answerOnce(deps, { orgId: principal.orgId, route: 'POST /v1/leads/bulk', key }, hash, work, exchange),
    );
  },
});

const fileHandlers = (deps: UploadDeps): HttpHandlers<typeof fileRoutes> => {
  const { UPLOADS_AT_ONCE_MAX: all, UPLOADS_AT_ONCE_OF_ONE_MAX: ofOne } = deps.config;
  const places = createPlaces(all, Math.min(ofOne, Math.max(1, all - 1)));
  return {
    uploadLeads: async ({ principal, correlationId }, exchange) => {
      const { userId, orgId } = principal;
      const key = readIdempotencyKey(exchange.request.headers['idempotency-key']);
      const leave = places.enter('files', orgId);
      if (leave === null)
        throw busy(
          exchange,
          `no more than ${places.ofOne} files of one organisation, and ${all} of all, are read at once`,
        );
      let file: Spooled | null = null;
      try {
        const received = await receive(exchange, deps.config.UPLOAD_BYTES_MAX);
        file = received;
        const work = async (): Promise<Answer> => {
          const standBack = (): (() => Promise<void>) => createStandBack(deps.areSinglesComing);
          const rowsTotal = await countRows(received.read(), deps.config.UPLOAD_ROWS_MAX, standBack());
          const jobId = jobIdOf(orgId, key, received.hash);
          const facts = { jobId, orgId, userId, kind: 'csv', correlationId, rowsTotal } as const;
          const counts = await takeIn(deps, (after) => readLeads(received.read(), after, standBack()), facts, exchange);
          const rows = await listRefused(deps.database, jobId, 0, REFUSALS_SHOWN_MAX);
          return { status: 202, body: JSON.stringify({ jobId, ...counts, rows }) };
        };
        const keyed = { orgId, route: 'POST /v1/uploads/leads', key };
        return uploadLeads.answer.parse(await answerOnce(deps, keyed, received.hash, work, exchange));
      } finally {
        leave();
        await file?.remove();
      }
    },
  };
};

/** The one file of the form, whole. */
async function receive({ request }: HttpExchange, bytesMax: number): Promise<Spooled> {
  const part = await request.file().catch(refuseBroken);
  if (part === undefined) throw new CodedError('IGW_ERR_NO_FILE', 'send one file as multipart/form-data');
  const file = await spool(part.file, checkHead)
    .catch(refuseBroken)
    .finally(() => {
      // What was not read must not hold up the connection.
      part.file.resume();
    });
  // A large file takes longer than a connection may usually be without a byte.
  request.raw.socket.setTimeout(0);
  if (!part.file.truncated) return file;
  await file.remove();
  throw new CodedError('IGW_ERR_FILE_TOO_LARGE', `the file is larger than ${bytesMax} bytes`);
}

/**
 * The reader of forms throws plain errors, one for each way in which a form can be broken. Ours, Fastify's and the system's
 * have a code, and a fault of the program has a class of its own.
 */
function refuseBroken(error: unknown): never {
  if (!(error instanceof Error) || error.constructor !== Error || 'code' in error) throw error;
  throw new CodedError('IGW_ERR_FORM_BROKEN', 'the form is cut off or not as its boundary says', { cause: error });
}

const BUSY_RETRY_SECONDS = 5;
const BACKLOG_RETRY_SECONDS = 60;

function busy({ reply }: HttpExchange, why: string): CodedError {
  void reply.header('retry-after', BUSY_RETRY_SECONDS);
  return new CodedError('IGW_ERR_BUSY', `${why}: send it again as Retry-After says`);
}

async function takeIn(...[deps, rowsAfter, facts, { reply }]: [...Parameters<typeof commitIntake>, HttpExchange]) {
  try {
    return await commitIntake(deps, rowsAfter, facts);
  } catch (error) {
    if (error instanceof CodedError && error.code === 'IGW_ERR_BACKLOG_FULL')
      void reply.header('retry-after', BACKLOG_RETRY_SECONDS);
    throw error;
  }
}

type Keyed = { readonly orgId: string; readonly route: string; readonly key: string | null };

async function answerOnce(
  deps: UploadDeps,
  { key, ...keyed }: Keyed,
  hash: Parameters<Idempotency['once']>[1],
  work: () => Promise<Answer>,
  { reply }: HttpExchange,
): Promise<unknown> {
  if (key === null) return JSON.parse((await work()).body);
  const { answer, replayed } = await deps.idempotency.once({ ...keyed, key }, hash, work);
  if (replayed) void reply.header('idempotency-replayed', 'true');
  return JSON.parse(answer.body);
}
