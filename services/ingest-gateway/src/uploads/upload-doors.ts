/** The doors through which many leads come at once: a CSV file, or a JSON array. */
import { createHash } from 'node:crypto';
import multipart from '@fastify/multipart';
import type { MultipartFile } from '@fastify/multipart';
import { gatewayRoutes } from '@lead-flood/contracts';
import { CodedError, derivedId, randomId } from '@lead-flood/kernel';
import type { HttpExchange, HttpHandlers, HttpServer } from '@lead-flood/service';
import { addRoutes } from '@lead-flood/service';
import type { Gate } from '../access/gate.ts';
import type { GatewayConfig } from '../config.ts';
import type { Answer, Idempotency } from '../proxy/idempotency.ts';
import { hashRequest, readIdempotencyKey } from '../proxy/idempotency.ts';
import { readCsvLeads } from './csv-leads.ts';
import type { AcceptedRow, IntakeDeps } from './lead-intake.ts';
import { checkRow, commitIntake, isRefused } from './lead-intake.ts';
import { findUpload, listRefused } from './upload-store.ts';

export type UploadDeps = IntakeDeps & {
  readonly config: GatewayConfig;
  readonly idempotency: Idempotency;
  readonly gate: Gate;
};

const { uploadLeads, uploadRows, bulkLeads } = gatewayRoutes;
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
    const rows = await listRefused(deps.database, upload.id, Number(query.cursor ?? 0), query.limit + 1);
    const items = rows.slice(0, query.limit);
    return { items: [...items], nextCursor: rows.length > query.limit ? String(items.at(-1)?.row ?? 0) : null };
  },
  bulkLeads: async ({ body, principal, correlationId }, exchange) => {
    const key = readIdempotencyKey(exchange.request.headers['idempotency-key']);
    const hash = key === null ? '' : hashRequest(JSON.stringify(body));
    const jobId = jobIdOf(principal.orgId, key, hash);
    const work = async (): Promise<Answer> => {
      const rows = body.map((fields, i) => checkRow(i + 1, fields));
      const refused = rows.filter(isRefused);
      const accepted = rows.filter((row): row is AcceptedRow => !isRefused(row));
      await commitIntake(
        deps,
        { rowsTotal: rows.length, accepted, refused },
        { jobId, orgId: principal.orgId, userId: principal.userId, kind: 'json', correlationId },
      );
      return { status: 202, body: JSON.stringify({ jobId, accepted: accepted.length, refused }) };
    };
    return bulkLeads.answer.parse(
      await answerOnce(deps, { orgId: principal.orgId, route: 'POST /v1/leads/bulk', key }, hash, work, exchange),
    );
  },
});

const fileHandlers = (deps: UploadDeps): HttpHandlers<typeof fileRoutes> => ({
  uploadLeads: async ({ principal, correlationId }, exchange) => {
    const key = readIdempotencyKey(exchange.request.headers['idempotency-key']);
    const part = await exchange.request.file();
    if (part === undefined) throw new CodedError('IGW_ERR_NO_FILE', 'send one file as multipart/form-data');
    const reading = hashed(part);
    const work = async (): Promise<Answer> => {
      const intake = await reading.leads(deps.config.UPLOAD_ROWS_MAX);
      const jobId = jobIdOf(principal.orgId, key, await reading.hash());
      await commitIntake(deps, intake, {
        jobId,
        orgId: principal.orgId,
        userId: principal.userId,
        kind: 'csv',
        correlationId,
      });
      const { accepted, refused } = intake;
      return {
        status: 202,
        body: JSON.stringify({
          jobId,
          accepted: accepted.length,
          refused: refused.length,
          rows: refused.slice(0, REFUSALS_SHOWN_MAX),
        }),
      };
    };
    try {
      return uploadLeads.answer.parse(
        await answerOnce(
          deps,
          { orgId: principal.orgId, route: 'POST /v1/uploads/leads', key },
          { whenRead: reading.hash },
          work,
          exchange,
        ),
      );
    } finally {
      // What was not read must not hold up the connection.
      part.file.resume();
    }
  },
});

type Reading = {
  readonly leads: (rowsMax: number) => ReturnType<typeof readCsvLeads>;
  readonly hash: () => Promise<string>;
};

/** The file with the digest of its bytes, which is known when the last of them has been read. */
function hashed(part: MultipartFile): Reading {
  const digest = createHash('sha256');
  let result: string | null = null;
  async function* bytes(): AsyncGenerator<Buffer> {
    for await (const chunk of part.file as AsyncIterable<Buffer>) {
      digest.update(chunk);
      yield chunk;
    }
  }
  const tooLarge = (): CodedError => new CodedError('IGW_ERR_FILE_TOO_LARGE', 'the file is larger than a file may be');
  return {
    leads: async (rowsMax) => {
      try {
        const intake = await readCsvLeads(bytes(), rowsMax);
        if (part.file.truncated) throw tooLarge();
        return intake;
      } catch (error) {
        // A cut file may look broken too, but its true fault is the size.
        throw part.file.truncated ? tooLarge() : error;
      }
    },
    hash: async () => {
      if (result === null) {
        if (!part.file.readableEnded) for await (const _chunk of bytes());
        result = digest.digest('hex');
      }
      return result;
    },
  };
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
