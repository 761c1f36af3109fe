/** Places for tasks, so that no test depends on the hour at which it runs. */
import type { Queries } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';
import { areaKey } from '../src/task/calling-area.ts';

/** A zone in which it is now this hour; such zones are named by whole hours from UTC, with the sign the wrong way round. */
export function zoneAt(hour: number): string {
  const difference = hour - new Date().getUTCHours();
  const offset = difference < -12 ? difference + 24 : difference > 12 ? difference - 24 : difference;
  return offset === 0 ? 'Etc/UTC' : `Etc/GMT${offset > 0 ? '-' : '+'}${Math.abs(offset)}`;
}

type Placed = { readonly region?: string; readonly language?: string; readonly zones?: readonly string[] };

/** Moves a task to where the case wants it, in its state as in the columns that matching reads. */
export async function moveTask(
  database: Queries,
  taskId: string,
  { region = 'SE', language = 'sv', zones = [zoneAt(14)] }: Placed = {},
): Promise<void> {
  const place = { regionIso: region, languageCode: language, timezones: zones };
  await database.query(sql.unsafe`
    update call_tasks set region_iso = ${region}, language_code = ${language}, calling_area = ${areaKey(place)},
      state = jsonb_set(state::jsonb, '{region}', ${JSON.stringify(place)}::jsonb)::text
    where key = ${taskId}
  `);
}
