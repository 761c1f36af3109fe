/**
 * A client can always read what it wrote (GW-08): while the read model has not caught up, the owner of the fact is asked
 * instead. Uploads are jobs of our own.
 */
import { leadRoutes, uploadProgressRoutes } from '@lead-flood/contracts';
import type { Database } from '@lead-flood/postgres';
import { TransientError } from '@lead-flood/kernel';
import type { HttpRequest } from '@lead-flood/service';
import { parse } from '@lead-flood/service';
import type { Caller } from '../auth/caller.ts';
import { uploadJob } from '../domain/upload-job.ts';
import { findUpload } from '../uploads/upload-store.ts';
import type { Forward } from './proxy.ts';
import type { UpstreamAnswer } from './upstream.ts';

export type ReadDeps = {
  readonly database: Database;
  readonly forward: Forward;
  readonly callerOf: (request: HttpRequest) => Caller;
};

export function readYourWrite({ database, forward, callerOf }: ReadDeps) {
  const firstOf = async (request: HttpRequest, path: string, internalPath: string): Promise<UpstreamAnswer> => {
    const from = { request, caller: callerOf(request) };
    const read = await forward('analytics', 'GET', path, from);
    return read.status === 404 ? forward('discovery', 'GET', internalPath, from) : read;
  };

  /** Null when analytics cannot say: the job is then told as far as we know it ourselves. */
  const done = async (request: HttpRequest, jobId: string): Promise<number | null> => {
    try {
      const answer = await forward('analytics', 'GET', `/internal/jobs/${jobId}/progress`, {
        request,
        caller: callerOf(request),
      });
      if (answer.status !== 200) return null;
      const progress = uploadProgressRoutes.uploadProgress.answer.safeParse(JSON.parse(answer.body.toString('utf8')));
      return progress.success ? progress.data.done : null;
    } catch (error) {
      if (error instanceof TransientError || error instanceof SyntaxError) return null;
      throw error;
    }
  };

  return {
    getLead: (request: HttpRequest): Promise<UpstreamAnswer> => {
      const { leadId } = parse(leadRoutes.getLead.params, request.params, 'params') as { leadId: string };
      return firstOf(request, `/v1/leads/${leadId}`, `/internal/leads/${leadId}`);
    },
    getJob: async (request: HttpRequest): Promise<UpstreamAnswer> => {
      const { jobId } = parse(leadRoutes.getJob.params, request.params, 'params') as { jobId: string };
      const upload = await findUpload(database, callerOf(request).principal.orgId, jobId);
      if (upload === null) return firstOf(request, `/v1/jobs/${jobId}`, `/internal/jobs/${jobId}`);
      return ok(uploadJob(upload, upload.state === 'failed' ? null : await done(request, jobId)));
    },
  };
}

const ok = (body: object): UpstreamAnswer => ({
  status: 200,
  contentType: 'application/json; charset=utf-8',
  retryAfter: null,
  body: Buffer.from(JSON.stringify(body)),
});
