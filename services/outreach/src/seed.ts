/** The demo's sequence: two steps, active. */
import { derivedId } from '@lead-flood/kernel';
import type { Database } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';

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
    await tx.query(
      sql.unsafe`insert into sequences (id, org_id, name, status) values (${id}, ${orgId}, 'First contact', 'ACTIVE') on conflict do nothing`,
    );
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
