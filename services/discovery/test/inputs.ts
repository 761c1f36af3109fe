/** What discovery is fed with where it is broken: submissions that meet each other by several keys. */
import { join } from 'node:path';
import type { TestEvent } from '@lead-flood/testing';
import { sampleId, samplePerson, sampleSubmitted } from '@lead-flood/testing';

const submit = (n: string, key: string, person: Parameters<typeof samplePerson>[0]): TestEvent => ({
  name: 'LeadSubmitted',
  id: sampleId('submission', n),
  key,
  data: sampleSubmitted({ externalId: n, person: samplePerson({ linkedinUrl: null, ...person }) }),
});

export const at = { schema: 'discovery', migrations: join(import.meta.dirname, '../migrations') };
/** How old a key is depends on the day. */
export const ignore = { identity_keys: ['age'] };

/** Everything about one group of people travels under one record key, so its order is given. */
export const inputs = Array.from({ length: 6 }, (_, i) => i).flatMap((i): TestEvent[] => {
  const key = sampleId('group', i);
  const email = `person${i}@aurora.se.example`;
  const phone = `+4684650041${i}`;
  return [
    submit(`${i}-new`, key, { email, phone: null }),
    submit(`${i}-other-spelling`, key, { email: ` Person${i}+crm@AURORA.se.example `, phone: null }),
    submit(`${i}-by-phone`, key, { email: null, phone }),
    submit(`${i}-both`, key, { email, phone }),
    submit(`${i}-bad`, key, { email: 'nobody at nowhere', phone }),
    submit(`${i}-nothing`, key, { email: null, phone: null }),
  ];
});
