/** An upload as a job: it is done when every accepted row has an outcome, which analytics counts. */
import type { JobView } from '@lead-flood/contracts';

export type Upload = {
  readonly id: string;
  readonly kind: 'csv' | 'json';
  readonly state: 'receiving' | 'received' | 'failed';
  readonly rowsTotal: number;
  readonly accepted: number;
  readonly refused: number;
  readonly error: string | null;
  readonly createdAt: number;
  readonly updatedAt: number;
};

export const uploadType = (kind: Upload['kind']): string => `upload-${kind}`;

/** `done` is null while nobody can tell. */
export function uploadJob(upload: Upload, done: number | null): JobView {
  return {
    id: upload.id,
    type: uploadType(upload.kind),
    status: statusOf(upload, done),
    leadId: null,
    progress: {
      total: upload.rowsTotal,
      accepted: upload.accepted,
      refused: upload.refused,
      done: Math.min(done ?? 0, upload.accepted),
    },
    attempts: 1,
    cancelRequested: false,
    error: upload.error,
    createdAt: new Date(upload.createdAt).toISOString(),
    updatedAt: new Date(upload.updatedAt).toISOString(),
  };
}

function statusOf({ state, accepted }: Upload, done: number | null): JobView['status'] {
  if (state === 'failed') return 'failed';
  if (state === 'received' && accepted <= (done ?? 0)) return 'completed';
  return done === null || done === 0 ? 'queued' : 'running';
}
