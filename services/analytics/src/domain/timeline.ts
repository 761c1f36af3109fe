/**
 * What happened to a lead, one short sentence each, in our words and without personal data. It lives in the document:
 * a row an event would cost Postgres more than everything else of the event together.
 */
import type { Entry } from './document.ts';

const ENTRIES_MAX = 40;
/** A long story keeps its beginning and its end. */
const BEGINNING = 10;
const NOTE_CHARACTERS_MAX = 100;

function precedes(a: Entry, b: Entry): boolean {
  if (a[0] !== b[0]) return a[0] < b[0];
  return a[1] === b[1] ? a[2] < b[2] : a[1] < b[1];
}

/** In the order of time, whatever the order of arrival. */
export function addEntry(timeline: readonly Entry[], [at, event, id, note]: Entry): readonly Entry[] {
  const entry: Entry = [at, event, id, note.slice(0, NOTE_CHARACTERS_MAX)];
  let place = timeline.length;
  for (let before = timeline[place - 1]; before !== undefined && precedes(entry, before); before = timeline[place - 1])
    place -= 1;
  const next = timeline.toSpliced(place, 0, entry);
  return next.length > ENTRIES_MAX ? next.toSpliced(BEGINNING, 1) : next;
}
