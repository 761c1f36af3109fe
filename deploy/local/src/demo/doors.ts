// The three doors as a client uses them: Kafka events, REST calls, CSV uploads. Answers are counted, nothing is assumed.
import type { LeadSubmitted } from '@lead-flood/contracts';
import { createCodec, createKafkaClient, createProducer, createRegistry } from '@lead-flood/kafka';
import type { OutgoingRecord } from '@lead-flood/kafka';
import type { ProductAddresses } from '../hints.ts';
import type { Submission } from './submissions.ts';

export interface RestAnswers {
  readonly created: number;
  readonly known: number;
  readonly refused: number;
  /** Any other status, with the first answer as an example. */
  readonly unexpected: readonly string[];
}

export interface CsvAnswers {
  readonly accepted: number;
  readonly refused: number;
  readonly jobs: readonly string[];
}

const source = 'demo';

export async function sendEvents(
  addresses: ProductAddresses,
  submissions: readonly Submission[],
  perSecond: number,
): Promise<number> {
  const codec = await createCodec(createRegistry(addresses.registry), ['LeadSubmitted']);
  const producer = await createProducer(
    createKafkaClient({ brokers: [addresses.kafka], clientId: 'upstream-crm', log: () => undefined }),
  );
  let garbage = 0;
  const toRecord = (submission: Submission): OutgoingRecord => {
    const key = submission.externalId;
    const value = codec.encode('LeadSubmitted', toEvent(submission, addresses.org));
    if (submission.kind !== 'garbage') return { topic: 'ingest.lead.v1', key, headers: {}, value };
    garbage += 1;
    return { topic: 'ingest.lead.v1', key, headers: {}, value: spoil(value, garbage) };
  };
  await paced(submissions, perSecond, 100, (some) => producer.send(some.map(toRecord)));
  await producer.stop();
  return garbage;
}

/** Bytes that are not Avro, an unknown schema id, an empty record, half a record, and 2 MB of noise. */
function spoil(value: Buffer, n: number): Buffer | null {
  const kinds: readonly (() => Buffer | null)[] = [
    () => Buffer.from('{"email":"json@is-not-avro.example"}'),
    () => Buffer.concat([Buffer.from([0, 0x7f, 0xff, 0xff, 0xff]), value.subarray(5)]),
    () => null,
    () => value.subarray(0, value.length >> 1),
    () => Buffer.alloc(2_000_000, 0x41),
  ];
  // The large ones are few: one is enough to show what happens to it.
  return (n === kinds.length ? kinds[4] : kinds[n % 4])?.() ?? null;
}

function toEvent({ person, externalId, kind }: Submission, orgId: string): LeadSubmitted {
  const identity = kind !== 'no-identity';
  const { name, domain, countryIso, employees, industry } = person.company;
  return {
    orgId,
    source,
    externalId,
    submittedAt: Date.now(),
    person: {
      firstName: person.firstName,
      lastName: person.lastName,
      fullName: person.fullName,
      title: person.title,
      email: identity ? person.email : null,
      phone: identity ? person.phone : null,
      linkedinUrl: identity ? person.linkedinUrl : null,
    },
    company: { name, domain, countryIso: /^[A-Z]{2}$/.test(countryIso) ? countryIso : null, employees, industry },
    icpId: null,
    projectId: null,
    consent: null,
    attributes: { demo: 'yes' },
    jobId: null,
  };
}

export async function sendRest(
  addresses: ProductAddresses,
  submissions: readonly Submission[],
  perSecond: number,
): Promise<RestAnswers> {
  const counts = { created: 0, known: 0, refused: 0 };
  const unexpected: string[] = [];
  await paced(submissions, perSecond, 20, (some) =>
    Promise.all(
      some.map(async (submission) => {
        const answer = await fetch(`${addresses.gateway}/v1/leads`, {
          method: 'POST',
          headers: { authorization: `Bearer ${addresses.apiKey}`, 'content-type': 'application/json' },
          body: JSON.stringify(toBody(submission)),
        });
        const text = await answer.text();
        if (answer.status === 201) counts.created += 1;
        else if (answer.status === 409) counts.known += 1;
        else if (answer.status === 400) counts.refused += 1;
        else unexpected.push(`${answer.status} ${text.slice(0, 200)}`);
      }),
    ),
  );
  return { ...counts, unexpected };
}

function toBody({ person, externalId, kind }: Submission): object {
  const { name, domain, countryIso, employees, industry } = person.company;
  return {
    firstName: person.firstName,
    lastName: person.lastName,
    fullName: person.fullName,
    title: person.title,
    company: name,
    domain,
    source,
    externalId,
    ...(kind === 'no-identity'
      ? {}
      : {
          email: person.email,
          linkedinUrl: person.linkedinUrl,
          ...(person.phone === null ? {} : { phone: person.phone }),
        }),
    ...(/^[A-Z]{2}$/.test(countryIso) ? { countryIso } : {}),
    ...(employees === null ? {} : { employees }),
    ...(industry === null ? {} : { industry }),
    ...(kind === 'unknown-field' ? { favouriteColour: 'green' } : {}),
  };
}

const columns = [
  'E-mail',
  'First name',
  'Last name',
  'Phone',
  'LinkedIn',
  'Title',
  'Company',
  'Domain',
  'Country',
  'External ID',
] as const;

/** Several files, as people send them: with a byte-order mark, semicolons, quoted line breaks. */
export async function sendCsv(
  addresses: ProductAddresses,
  submissions: readonly Submission[],
  files: number,
): Promise<CsvAnswers> {
  const jobs: string[] = [];
  const totals = { accepted: 0, refused: 0 };
  const size = Math.ceil(submissions.length / files);
  for (let n = 0; n < files; n += 1) {
    const part = submissions.slice(n * size, (n + 1) * size);
    if (part.length === 0) continue;
    const separator = n % 2 === 0 ? ',' : ';';
    const text = `\uFEFF${[columns.join(separator), ...part.map((submission) => toRow(submission, separator))].join('\r\n')}\r\n`;
    const form = new FormData();
    form.append('file', new Blob([text], { type: 'text/csv' }), `leads-${n}.csv`);
    const answer = await fetch(`${addresses.gateway}/v1/uploads/leads`, {
      method: 'POST',
      headers: { authorization: `Bearer ${addresses.apiKey}` },
      body: form,
    });
    const body = (await answer.json()) as { jobId?: string; accepted?: number; refused?: number };
    if (answer.status !== 202 || body.jobId === undefined)
      throw new Error(`upload ${n}: ${answer.status} ${JSON.stringify(body)}`);
    jobs.push(body.jobId);
    totals.accepted += body.accepted ?? 0;
    totals.refused += body.refused ?? 0;
  }
  return { ...totals, jobs };
}

function toRow({ person, externalId, kind }: Submission, separator: string): string {
  const identity = kind !== 'no-identity';
  const country = /^[A-Z]{2}$/.test(person.company.countryIso) ? person.company.countryIso : '';
  const cells = [
    identity ? person.email : '',
    person.firstName,
    person.lastName,
    identity ? (person.phone ?? '') : '',
    identity ? person.linkedinUrl : '',
    person.title,
    person.company.name,
    person.company.domain,
    country,
    externalId,
  ];
  return cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(separator);
}

/** So many a second in steps of a tenth, never faster than the door takes them. */
async function paced<T>(
  items: readonly T[],
  perSecond: number,
  chunkMax: number,
  send: (some: readonly T[]) => Promise<unknown>,
): Promise<void> {
  const chunk = Math.max(1, Math.min(chunkMax, Math.ceil(perSecond / 10)));
  const startedAt = performance.now();
  for (let start = 0; start < items.length; start += chunk) {
    await send(items.slice(start, start + chunk));
    const aheadMs = ((start + chunk) / perSecond) * 1_000 - (performance.now() - startedAt);
    if (aheadMs > 0 && start + chunk < items.length) await new Promise((resolve) => setTimeout(resolve, aheadMs));
  }
}
