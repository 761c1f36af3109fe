/** The providers. A new one is its file and a line here; settings, registry, windows and prices follow. */
import { apollo } from './apollo.ts';
import { hunter } from './hunter.ts';
import { peopleDataLabs } from './people-data-labs.ts';

export const table = [apollo, hunter, peopleDataLabs] as const;

export type ProviderName = (typeof table)[number]['name'] | 'fake';
