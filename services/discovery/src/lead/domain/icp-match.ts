/** Whether a company fits an ideal customer profile. What is not known does not speak against it. */
import type { Company, IcpProfile } from '@lead-flood/contracts';

export type IcpFilters = { readonly id: string; readonly version: number; readonly profile: IcpProfile };
export type IcpMatch = 'match' | 'miss' | 'none';

export function matchIcp(company: Company, icp: IcpFilters | null): IcpMatch {
  if (icp === null) return 'none';
  const { industry, countryIso, employees } = company;
  const { targetIndustries, targetCountries, minCompanySize, maxCompanySize } = icp.profile;
  const industryMisses =
    industry !== null && targetIndustries.length > 0 && !targetIndustries.some((target) => alike(target, industry));
  const countryMisses = countryIso !== null && targetCountries.length > 0 && !targetCountries.includes(countryIso);
  const tooSmall = employees !== null && minCompanySize !== null && employees < minCompanySize;
  const tooLarge = employees !== null && maxCompanySize !== null && employees > maxCompanySize;
  return industryMisses || countryMisses || tooSmall || tooLarge ? 'miss' : 'match';
}

/** `financial-services` means `Financial Services`, and `Diversified Financial Services` too. */
const words = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
const alike = (target: string, industry: string): boolean => words(industry).includes(words(target));
