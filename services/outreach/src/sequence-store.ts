/** Sequences with their steps: the active one of each organisation of a batch, and the seed of the demo. */
import { z } from 'zod';
import { derivedId } from '@lead-flood/kernel';
import type { Database, Queries } from '@lead-flood/postgres';
import { sql, texts } from '@lead-flood/postgres';
import type { Sequence } from './domain/enrolment.ts';

const HOUR_MS = 3_600_000;
const row = z.object({ org_id: z.string(), id: z.string(), step_number: z.int(), delay_hours: z.int(), subject: z.string(), body: z.string() });

export async function readActiveSequences(tx: Queries, orgIds: readonly string[]): Promise<ReadonlyMap<string, Sequence>> {
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
      { id: steps[0]?.id ?? '', steps: steps.map((s) => ({ stepNumber: s.step_number, delayMs: s.delay_hours * HOUR_MS, subject: s.subject, body: s.body })) },
    ]),
  );
}

const seedSteps = [
  {
    delayHours: 0,
    subject: 'A question about {{ company }}',
    body: 'Hello {{ firstName }},\n\nwe help teams like yours at {{ company }} find the right conversations sooner.{% if title != "" %} As {{ title }} you may have a view on that.{% endif %}\n\nWould a short call this week suit you?\n\nKind regards\nThe demo team\n\nIf you would rather not hear from us, just answer "unsubscribe".',
  },
  {
    delayHours: 72,
    subject: 'Once more: {{ company }}',
    body: 'Hello {{ firstName }},\n\njust a short reminder of my note from a few days ago. Is this a topic for you?\n\nKind regards\nThe demo team',
  },
] as const;

/** One sequence, active; running it again changes nothing. */
export async function seedSequence(database: Database, orgId: string): Promise<string> {
  const id = derivedId('seed-sequence', orgId);
  await database.transaction(async (tx) => {
    await tx.query(sql.unsafe`insert into sequences (id, org_id, name, status) values (${id}, ${orgId}, 'First contact', 'ACTIVE') on conflict do nothing`);
    for (const [index, step] of seedSteps.entries()) {
      await tx.query(sql.unsafe`
        insert into sequence_steps (sequence_id, step_number, delay_hours, subject, body)
        values (${id}, ${index + 1}, ${step.delayHours}, ${step.subject}, ${step.body})
        on conflict do nothing
      `);
    }
  });
  return id;
}
