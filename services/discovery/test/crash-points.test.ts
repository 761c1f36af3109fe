/** Discovery, broken at every place that a run of it passes: its stream, and the door that makes the same decisions. */
import { batchProcessor, createApplier } from '@lead-flood/processor';
import { CodedError } from '@lead-flood/kernel';
import { crashPoints, sampleId, sampleOrg, samplePerson, sampleSubmitted } from '@lead-flood/testing';
import { icpProcessor } from '../src/icp/processor.ts';
import { discovery } from '../src/lead/processor.ts';
import { at, ignore, inputs } from './inputs.ts';

crashPoints('discovery', { ...at, create: () => ({ starter: batchProcessor(discovery) }), inputs, ignore });

const created = Array.from({ length: 3 }, (_, i) => ({
  name: 'CreateLead' as const,
  id: sampleId('created', i),
  key: sampleId('created', i),
  orgId: sampleOrg,
  correlationId: 'test',
  data: sampleSubmitted({
    externalId: `created-${i}`,
    person: samplePerson({ email: `created${i}@aurora.se.example`, phone: null, linkedinUrl: null }),
  }),
}));

/** A repeat of what stands already is told so; that is an answer. */
const isAnswer = (error: unknown): boolean => error instanceof CodedError && error.code === 'DSC_ERR_LEAD_EXISTS';

crashPoints('discovery’s door', {
  ...at,
  create: () => ({
    starter: batchProcessor(discovery),
    asks: created.map((command) => async (door) => {
      try {
        await createApplier(discovery, door).apply(command);
      } catch (error) {
        if (!isAnswer(error)) throw error;
      }
    }),
  }),
  inputs: [],
  ignore,
});

const icpId = (i: number): string => sampleId('icp', i);
const profile = {
  name: 'Nordic manufacturers',
  targetIndustries: [],
  targetCountries: ['SE'],
  minCompanySize: null,
  maxCompanySize: null,
  requiredTechnologies: [],
};
const icpCommands = Array.from({ length: 3 }, (_, i) => {
  const named = { key: icpId(i), orgId: sampleOrg, correlationId: 'test' };
  const at = { orgId: sampleOrg, icpId: icpId(i) };
  return [
    { ...named, name: 'CreateIcp' as const, id: sampleId('create-icp', i), data: { ...at, profile } },
    {
      ...named,
      name: 'UpdateIcp' as const,
      id: sampleId('update-icp', i),
      data: { ...at, profile: { ...profile, minCompanySize: i } },
    },
  ];
});

crashPoints('the route of ICPs', {
  ...at,
  create: () => ({
    starter: batchProcessor(discovery),
    asks: icpCommands.map((commands) => async (door) => {
      const applier = createApplier(icpProcessor, door);
      for (const command of commands) await applier.apply(command);
    }),
  }),
  inputs: [],
  ignore,
});
