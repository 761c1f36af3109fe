/** The lead as clients see it (GW-08: one superset answer), its stages, and what a client may hand in. */
import { z } from 'zod';
import { id, notes, timestamp } from './fields.ts';
import { countryIso } from './places.ts';

export const leadStages = [
  'NEW',
  'ENRICHING',
  'ENRICHED',
  'ENRICH_FAILED',
  'OUTREACH_PENDING',
  'CONTACTED',
  'REPLIED',
  'CONVERTED',
  'DISQUALIFIED',
] as const;
export type LeadStage = (typeof leadStages)[number];
export const leadStatuses = ['new', 'processing', 'enriched', 'failed'] as const;
export type LeadStatus = (typeof leadStatuses)[number];

/** `status` is a pure function of the stage (decision C-03). */
export function statusOf(stage: LeadStage): LeadStatus {
  if (stage === 'NEW') return 'new';
  if (stage === 'ENRICHING') return 'processing';
  return stage === 'ENRICH_FAILED' ? 'failed' : 'enriched';
}

export const jobStatuses = ['queued', 'running', 'completed', 'failed', 'cancelled'] as const;
export type JobStatus = (typeof jobStatuses)[number];

/** The enrichment job of a lead is as far as the lead's stage says. */
export function jobStatusOf(stage: LeadStage): JobStatus {
  if (stage === 'NEW') return 'queued';
  if (stage === 'ENRICHING') return 'running';
  return stage === 'ENRICH_FAILED' ? 'failed' : 'completed';
}

const short = z.string().trim().min(1).max(200);

/** `POST /v1/leads` (GW-05). At least one of e-mail, phone and LinkedIn address must be there: identity needs one. */
export const createLeadBody = z
  .strictObject({
    // Only what no address can lack; what it means is discovery's to say.
    email: z
      .string()
      .trim()
      .min(3)
      .max(254)
      .regex(/^.[^@]*@.+\../, 'is not an e-mail address')
      .optional(),
    firstName: short.optional(),
    lastName: short.optional(),
    fullName: short.optional(),
    phone: z.string().trim().min(5).max(40).optional(),
    linkedinUrl: z.string().trim().max(300).optional(),
    title: short.optional(),
    company: short.optional(),
    domain: z.string().trim().max(253).optional(),
    countryIso: countryIso.optional(),
    employees: z.int().min(0).max(10_000_000).optional(),
    industry: short.optional(),
    source: z.string().trim().min(1).max(60).default('api'),
    icpId: id.optional(),
    projectId: id.optional(),
    externalId: short.optional(),
    consent: z.strictObject({ basis: short.optional(), note: z.string().max(500).optional() }).optional(),
    customFields: notes.default({}),
  })
  .refine((body) => body.email !== undefined || body.phone !== undefined || body.linkedinUrl !== undefined, {
    message: 'give at least one of email, phone, linkedinUrl',
    path: ['email'],
  });
export type CreateLead = z.infer<typeof createLeadBody>;

export const createLeadAnswer = z.strictObject({ leadId: id, jobId: id });

const nullableText = z.string().nullable();

export const leadPerson = z.strictObject({
  firstName: nullableText,
  lastName: nullableText,
  fullName: nullableText,
  email: nullableText,
  phone: nullableText,
  linkedinUrl: nullableText,
  title: nullableText,
});

export const leadCompany = z.strictObject({
  name: nullableText,
  domain: nullableText,
  countryIso: nullableText,
  employees: z.int().nullable(),
  industry: nullableText,
});

export const scoreView = z.strictObject({
  value: z.int(),
  band: z.enum(['LOW', 'MEDIUM', 'HIGH']),
  reasons: z.array(
    z.strictObject({ ruleId: z.string(), text: z.string(), passed: z.boolean(), contribution: z.number() }),
  ),
  scorer: z.string(),
  rulesVersion: z.int(),
  scoredAt: timestamp,
});

export const enrichmentView = z.strictObject({
  status: z.enum(['COMPLETED', 'FAILED']),
  emailStatus: z.string(),
  confidence: z.number(),
  fields: z.array(
    z.strictObject({ name: z.string(), provider: z.string(), confidence: z.number(), observedAt: timestamp }),
  ),
  attempts: z.array(
    z.strictObject({
      provider: z.string(),
      status: z.string(),
      confidence: z.number().nullable(),
      latencyMs: z.int(),
      costMicros: z.int(),
    }),
  ),
  costMicros: z.int(),
  reason: nullableText,
  at: timestamp,
});

export const leadView = z.strictObject({
  id,
  stage: z.enum(leadStages),
  status: z.enum(leadStatuses),
  disqualifiedReason: nullableText,
  source: z.string(),
  icpId: id.nullable(),
  projectId: id.nullable(),
  jobId: id,
  person: leadPerson,
  company: leadCompany,
  customFields: z.record(z.string(), z.string()),
  submissions: z.int(),
  enrichment: enrichmentView.nullable(),
  score: scoreView.nullable(),
  outreach: z.strictObject({
    messagesSent: z.int(),
    replies: z.int(),
    lastMessageAt: timestamp.nullable(),
    notContactedReason: nullableText,
  }),
  calls: z.strictObject({ tasks: z.int(), lastOutcome: nullableText, declinedReason: nullableText }),
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type LeadView = z.infer<typeof leadView>;

export const jobView = z.strictObject({
  id,
  type: z.string(),
  status: z.enum(jobStatuses),
  leadId: id.nullable(),
  progress: z
    .strictObject({ total: z.int().nullable(), accepted: z.int(), refused: z.int(), done: z.int() })
    .nullable(),
  /** How often it was begun. */
  attempts: z.int(),
  /** Somebody has asked for its end; it ends when what is under way is done. */
  cancelRequested: z.boolean(),
  error: nullableText,
  createdAt: timestamp,
  updatedAt: timestamp,
});
export type JobView = z.infer<typeof jobView>;
