/** Whether a company fits an ideal customer profile. What is not known does not speak against it. */
import type { Company, IcpView } from '@lead-flood/contracts';

export type IcpFilters = Pick<
  IcpView,
  'id' | 'version' | 'targetIndustries' | 'targetCountries' | 'minCompanySize' | 'maxCompanySize'
>;
export type IcpMatch = 'match' | 'miss' | 'none';

export function matchIcp(company: Company, icp: IcpFilters | null): IcpMatch {
  if (icp === null) return 'none';
  const { industry, countryIso, employees } = company;
  const industryMisses =
    industry !== null &&
    icp.targetIndustries.length > 0 &&
    !icp.targetIndustries.some((target) => alike(target, industry));
  const countryMisses =
    countryIso !== null && icp.targetCountries.length > 0 && !icp.targetCountries.includes(countryIso);
  const tooSmall = employees !== null && icp.minCompanySize !== null && employees < icp.minCompanySize;
  const tooLarge = employees !== null && icp.maxCompanySize !== null && employees > icp.maxCompanySize;
  return industryMisses || countryMisses || tooSmall || tooLarge ? 'miss' : 'match';
}

/** `financial-services` means `Financial Services`, and `Diversified Financial Services` too. */
const words = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
const alike = (target: string, industry: string): boolean => words(industry).includes(words(target));
