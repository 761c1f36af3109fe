/** What SREs ask of the gateway beside its requests: how fast imports are let in. */
import type { Metrics } from '@lead-flood/service';

export type AdmissionMetrics = { readonly onAdmitted: (leads: number, perSecond: number) => void };

export function createAdmissionMetrics({ counter, gauge }: Pick<Metrics, 'counter' | 'gauge'>): AdmissionMetrics {
  const admitted = counter('leadflood_admission_leads_total', 'Leads of files and lists let into the line', []);
  const pace = gauge('leadflood_admission_leads_per_second', 'How many a second may enter at the moment', []);
  return {
    onAdmitted: (leads, perSecond) => {
      admitted.inc(leads);
      pace.set(perSecond);
    },
  };
}
