/**
 * Templates (decision C-19: they are the default and the fallback) in Liquid, closed in: own properties only, unknown
 * filters refused, bounded work, no files. A field that is not known is empty text.
 */
import { Liquid } from 'liquidjs';
import type { Template } from 'liquidjs';
import type { LeadScored } from '@lead-flood/contracts';
import type { Step } from './domain/enrolment.ts';

// Characters, milliseconds, objects. The time is generous on purpose: a pause of the process must not fail a template.
const LIMITS = { parseLimit: 20_000, renderLimit: 2_000, memoryLimit: 1_000_000 };

const engine = new Liquid({
  ownPropertyOnly: true,
  strictFilters: true,
  strictVariables: false,
  cache: false,
  relativeReference: false,
  ...LIMITS,
  // No template may read a file, whatever its name.
  fs: {
    existsSync: () => false,
    exists: () => Promise.resolve(false),
    readFileSync: () => '',
    readFile: () => Promise.resolve(''),
    resolve: (_dir, file) => file,
    contains: () => Promise.resolve(false),
    containsSync: () => false,
  },
});

const PARSED_MAX = 500;
const parsed = new Map<string, Template[]>();

function parse(text: string): Template[] {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  if (parsed.size >= PARSED_MAX) parsed.clear();
  const template = engine.parse(text);
  parsed.set(text, template);
  return template;
}

const fill = (text: string, scope: object): string => String(engine.renderSync(parse(text), scope));

export function render(step: Step, lead: LeadScored): { subject: string; body: string } {
  const { person, company } = lead;
  const scope = {
    firstName: person.firstName ?? person.fullName ?? '',
    lastName: person.lastName ?? '',
    fullName: person.fullName ?? '',
    title: person.title ?? '',
    company: company.name ?? 'your company',
    industry: company.industry ?? '',
  };
  // A subject is one line, whatever a name contains.
  return {
    subject: fill(step.subject, scope)
      .replace(/[\r\n]+/g, ' ')
      .trim(),
    body: fill(step.body, scope),
  };
}
