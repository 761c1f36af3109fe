/** What never becomes part of a lead, whoever writes it to the topic. */
import { expect, it } from 'vitest';
import { samplePerson, sampleSubmitted } from '@lead-flood/testing';
import { linkedinSlug, normalise } from '../src/lead/normalisation.ts';

it.each(['some-one%00', '%00', 'some%1Fone', '%C2%85one'])('a slug with a control character, %s, is none', (slug) => {
  expect(linkedinSlug(`https://www.linkedin.com/in/${slug}`)).toBeNull();
});

it('a lead known only by such a slug has no identity', () => {
  const person = samplePerson({ email: null, phone: null, linkedinUrl: 'https://www.linkedin.com/in/some-one%00' });
  const { keys, problems } = normalise(sampleSubmitted({ person }));
  expect(keys).toEqual([]);
  expect(problems.map(({ code }) => code)).toEqual(['missing_identity']);
});

it('a lead with attributes without end is refused', () => {
  const attributes = Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`f${n}`, 'x']));
  expect(normalise(sampleSubmitted({ attributes })).problems.map(({ code }) => code)).toEqual(['too_many_attributes']);
});
