/** The documented answers of every provider of the table: one that has none does not compile. */
import type { ProviderName } from '../../../src/providers/table.ts';
import { apollo } from './apollo.ts';
import type { DocumentedAnswers } from './documented.ts';
import { hunter } from './hunter.ts';
import { peopledatalabs } from './people-data-labs.ts';

export const documented: Readonly<Record<Exclude<ProviderName, 'fake'>, DocumentedAnswers>> = {
  apollo,
  hunter,
  peopledatalabs,
};
