/** One replica's way to its providers, in a process of its own: asks every provider so many times and tells what came. */
import { CodedError } from '@lead-flood/kernel';
import { sampleCompany, samplePerson } from '@lead-flood/testing';
import { config } from '../src/config.ts';
import { openProviders } from '../src/providers/open.ts';

const times = Number(process.argv[2]);
const providers = openProviders(config.parse(process.env), { info: () => {}, warn: () => {} });
const { signal } = new AbortController();

const ask = (i: number) =>
  Promise.allSettled(
    providers.adapters.map((adapter) =>
      adapter.find(
        { person: samplePerson({ email: `person${i}@aurora.se.example` }), company: sampleCompany() },
        { signal, idempotencyKey: `${adapter.name} ${i}` },
      ),
    ),
  );

// Round by round: a burst at start would hold up this process for longer than a command to Redis may take.
const asked = [];
for (let i = 0; i < times; i += 1) asked.push(...(await ask(i)));
process.send?.({
  answered: asked.filter(({ status }) => status === 'fulfilled').length,
  refused: asked.flatMap((one) =>
    one.status === 'rejected' ? [one.reason instanceof CodedError ? one.reason.code : String(one.reason)] : [],
  ),
});
await providers.stop();
process.disconnect();
