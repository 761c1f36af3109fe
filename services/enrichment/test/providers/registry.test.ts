/** What is configured, the built-in provider, and the small tables the adapters read. */
import { expect, test } from 'vitest';
import { countryIso } from '../../src/providers/country.ts';
import { createFake } from '../../src/providers/fake.ts';
import { isPersonalAddress } from '../../src/providers/mailbox.ts';
import { createEnrichmentProviders } from '../../src/providers/registry.ts';

test('[EN-18] a provider without a key is not configured', async () => {
  const providers = createEnrichmentProviders({
    settings: { APOLLO_API_KEY: 'k', HUNTER_API_KEY: '  ', PEOPLEDATALABS_API_KEY: undefined },
  });
  expect(providers.adapters.map(({ name }) => name)).toEqual(['apollo']);
  expect(providers.notConfigured).toEqual(['hunter', 'peopledatalabs', 'fake']);
  expect(providers.breakerStates()).toEqual({ apollo: 'closed' });
  await providers.stop();
});

const question = {
  person: {
    firstName: 'Ann',
    lastName: 'Lee',
    fullName: 'Ann Lee',
    email: 'ann@gmail.com',
    phone: null,
    linkedinUrl: null,
    title: null,
  },
  company: { name: 'Acme', domain: 'acme.example', countryIso: 'DE', employees: null, industry: null },
};

test('[EN-02] the built-in provider waits and answers; told to stop it stops', async () => {
  const signal = new AbortController().signal;
  expect(await createFake({ delayMs: 1 }).find(question, { signal, idempotencyKey: 'k' })).toMatchObject({
    status: 'hit',
    email: 'ann@gmail.com',
    personalEmail: true,
    costMicros: 0,
    company: { name: 'Acme', countryIso: 'DE' },
  });
  const aborted = createFake().find(question, { signal: AbortSignal.abort(), idempotencyKey: 'k' });
  await expect(aborted).rejects.toMatchObject({ code: 'PRV_ERR_ABORTED', ambiguous: false });
});

test.each([
  ['Germany', 'DE'],
  ['germany', 'DE'],
  ['de', 'DE'],
  ['United Kingdom', 'GB'],
  ['united states', 'US'],
  ['USA', 'US'],
  ['Czech Republic', 'CZ'],
  ['Czechia', 'CZ'],
  ['turkey', 'TR'],
  ['hong kong', 'HK'],
  ['Russia', 'RU'],
  ['Atlantis', null],
  ['', null],
  [null, null],
])('the country %j is %s', (name, iso) => {
  expect(countryIso(name)).toBe(iso);
});

test.each([
  ['ann@gmail.com', 'acme.example', true],
  ['ann@acme.example', 'acme.example', false],
  ['ann@gmail.com', 'gmail.com', false],
  ['ann@freemail.de.example', null, true],
  [null, null, false],
])('%s at %s is personal: %s', (email, domain, personal) => {
  expect(isPersonalAddress(email, domain)).toBe(personal);
});
