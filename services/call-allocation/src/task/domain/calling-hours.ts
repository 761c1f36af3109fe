/**
 * When somebody may be called: the hours of a country, read on the clock where the telephone rings. Where only the country
 * is known, all its clocks must agree.
 */

/** Monday is 1, Sunday 7 (ISO 8601). */
type Days = readonly [first: number, last: number];

/** From the first minute up to the last, which is not in it. */
type Window = { readonly days: Days; readonly from: string; readonly to: string };

export type HoursRow = {
  readonly windows: readonly Window[];
  /** Whom the source speaks of. We keep its hours for everybody: nothing tells a private number from a firm's. */
  readonly appliesTo: 'everybody' | 'consumers';
  readonly source: string;
  /** How well it is proven: the authority's own page, a third party's, or what is generally known. */
  readonly proof: 'official' | 'third party' | 'unverified' | 'ours';
  /** When it was looked up. */
  readonly date: string;
};

const daily: Days = [1, 7];
const weekdays: Days = [1, 5];
const saturday: Days = [6, 6];
const weekend: Days = [6, 7];
const window = (days: Days, from: string, to: string): Window => ({ days, from, to });

/** Where no row says anything else. */
export const defaultHours: HoursRow = {
  windows: [window(daily, '09:00', '20:00')],
  appliesTo: 'everybody',
  source: 'our own rule',
  proof: 'ours',
  date: '2026-12',
};

export const callingHours: Readonly<Record<string, HoursRow>> = {
  AE: {
    windows: [window(daily, '09:00', '18:00')],
    appliesTo: 'everybody',
    source: 'Cabinet Resolution 56 of 2024, telemarketing',
    proof: 'third party',
    date: '2026-12',
  },
  AU: {
    windows: [window(weekdays, '09:00', '20:00'), window(saturday, '09:00', '17:00')],
    appliesTo: 'consumers',
    source: 'ACMA, industry standard for telemarketing and research calls',
    proof: 'official',
    date: '2026-12',
  },
  CA: {
    windows: [window(weekdays, '09:00', '21:30'), window(weekend, '10:00', '18:00')],
    appliesTo: 'consumers',
    source: 'CRTC, unsolicited telecommunications rules',
    proof: 'unverified',
    date: '2026-12',
  },
  DE: {
    windows: [window(daily, '08:00', '20:00')],
    appliesTo: 'consumers',
    source: 'usual practice; no hours by statute',
    proof: 'unverified',
    date: '2026-12',
  },
  FR: {
    windows: [window(weekdays, '10:00', '13:00'), window(weekdays, '14:00', '20:00')],
    appliesTo: 'consumers',
    source: 'Décret 2022-1313',
    proof: 'third party',
    date: '2026-12',
  },
  GB: {
    windows: [window(daily, '08:00', '21:00')],
    appliesTo: 'consumers',
    source: 'usual practice; no hours by statute',
    proof: 'unverified',
    date: '2026-12',
  },
  IN: {
    windows: [window(daily, '10:00', '21:00')],
    appliesTo: 'consumers',
    source: 'TRAI, TCCCPR 2018',
    proof: 'third party',
    date: '2026-12',
  },
  US: {
    windows: [window(daily, '08:00', '21:00')],
    appliesTo: 'consumers',
    source: 'TCPA, 47 CFR 64.1200(c)(1); some states are stricter',
    proof: 'third party',
    date: '2026-12',
  },
};

/** Where a telephone rings, as far as its number tells. */
export type Area = {
  readonly regionIso: string;
  /** From west to east; several where only the country is known, or an area has several. */
  readonly timezones: readonly string[];
};

/** Whether somebody there may be called at this moment: in every zone where the telephone may stand. */
export function isOpen({ regionIso, timezones }: Area, at: number): boolean {
  const { windows } = callingHours[regionIso] ?? defaultHours;
  return timezones.length > 0 && timezones.every((zone) => windows.some((w) => contains(w, localTime(zone, at))));
}

type LocalTime = { readonly day: number; readonly time: string };

const contains = ({ days: [first, last], from, to }: Window, { day, time }: LocalTime): boolean =>
  day >= first && day <= last && time >= from && time < to;

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
/** Making a format takes some 30 µs, using it one or two. */
const formats = new Map<string, Intl.DateTimeFormat>();

function localTime(zone: string, at: number): LocalTime {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    formats.set(zone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  return { day: DAYS.indexOf(parts['weekday'] ?? '') + 1, time: `${parts['hour']}:${parts['minute']}` };
}
