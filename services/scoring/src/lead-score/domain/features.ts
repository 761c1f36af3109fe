/**
 * The feature snapshot: what scoring knows of a lead, as plain values with a hash. A snapshot is never changed; the
 * same facts give the same hash, so a repeat is recognised and a score can be reproduced from its snapshot.
 */
import type { Company, LeadEnriched, LeadEnrichmentFailed, Person } from '@lead-flood/contracts';

/** Raise it when the meaning of a feature changes. */
export const snapshotVersion = 1;

export type Features = {
  readonly companyEmployees: number | null;
  readonly companyCountry: string | null;
  readonly companyIndustry: string | null;
  readonly personTitle: string | null;
  readonly emailStatus: string;
  readonly emailConfidence: number;
  readonly hasPhone: boolean;
  readonly hasLinkedin: boolean;
  readonly icpMatch: string;
};

export type Snapshot = {
  readonly icpId: string | null;
  readonly snapshotVersion: number;
  /** Version of the enrichment event that it was made from. */
  readonly sourceVersion: number;
  readonly hash: string;
  readonly features: Features;
};

export const enrichedFeatures = (lead: LeadEnriched): Features =>
  features(lead, lead.emailStatus, lead.confidence, lead.icpMatch);

/** Enrichment gave nothing: scoring goes on with what was discovered (an address that nobody has checked). */
export const discoveredFeatures = (lead: LeadEnrichmentFailed): Features => features(lead, 'unknown', 0, lead.icpMatch);

function features(
  { person, company }: { person: Person; company: Company },
  emailStatus: string,
  emailConfidence: number,
  icpMatch: string,
): Features {
  return {
    companyEmployees: company.employees,
    companyCountry: company.countryIso,
    companyIndustry: company.industry?.toLowerCase() ?? null,
    personTitle: person.title?.toLowerCase() ?? null,
    emailStatus: person.email === null ? 'missing' : emailStatus,
    emailConfidence,
    hasPhone: person.phone !== null,
    hasLinkedin: person.linkedinUrl !== null,
    icpMatch,
  };
}

export const takeSnapshot = (
  facts: Features,
  at: { icpId: string | null; sourceVersion: number; hash: string },
): Snapshot => ({
  icpId: at.icpId,
  snapshotVersion,
  sourceVersion: at.sourceVersion,
  hash: at.hash,
  features: facts,
});
