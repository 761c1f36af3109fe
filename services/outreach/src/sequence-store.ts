/** Sequences with their steps: the active one of each organisation of a batch. */
import { z } from 'zod';
import type { Queries } from '@lead-flood/postgres';
import { sql, texts } from '@lead-flood/postgres';
import type { Sequence } from './domain/enrolment.ts';

const HOUR_MS = 3_600_000;
const row = z.object({
  org_id: z.string(),
  id: z.string(),
  step_number: z.int(),
  delay_hours: z.int(),
  subject: z.string(),
  body: z.string(),
});

export async function readActiveSequences(
  tx: Queries,
  orgIds: readonly string[],
): Promise<ReadonlyMap<string, Sequence>> {
  const wanted = [...new Set(orgIds)];
  if (wanted.length === 0) return new Map();
  const rows = await tx.any(sql.type(row)`
    select s.org_id, s.id, t.step_number, t.delay_hours, t.subject, t.body
    from sequences s join sequence_steps t on t.sequence_id = s.id
    where s.status = 'ACTIVE' and s.org_id = any(${texts(wanted)}::uuid[])
    order by s.org_id, t.step_number
  `);
  return new Map(
    [...Map.groupBy(rows, (r) => r.org_id)].map(([orgId, steps]) => [
      orgId,
      {
        id: steps[0]?.id ?? '',
        steps: steps.map((s) => ({
          stepNumber: s.step_number,
          delayMs: s.delay_hours * HOUR_MS,
          subject: s.subject,
          body: s.body,
        })),
      },
    ]),
  );
}
