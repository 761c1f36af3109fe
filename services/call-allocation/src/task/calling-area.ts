/**
 * The place of a task as one column, and which of those places may be called now. The hours are decided in
 * `domain/calling-hours.ts` alone; SQL only asks whether a task's place is among the open ones.
 */
import { z } from 'zod';
import type { Queries } from '@lead-flood/postgres';
import { sql } from '@lead-flood/postgres';
import type { Area } from './domain/calling-hours.ts';
import { isOpen } from './domain/calling-hours.ts';

/** `AU Australia/Perth,Australia/Adelaide` */
export const areaKey = ({ regionIso, timezones }: Area): string => `${regionIso} ${timezones.join(',')}`;

function toArea(key: string): Area {
  const [regionIso = '', zones = ''] = key.split(' ');
  return { regionIso, timezones: zones === '' ? [] : zones.split(',') };
}

/**
 * Places where a task waits and somebody may be called at this moment, of all organisations. The index is read by
 * jumping from one place to the next, so it takes as long as there are places, however many tasks wait.
 */
export async function openAreas(queries: Queries, now: number): Promise<readonly string[]> {
  const waiting = await queries.anyFirst(sql.type(z.object({ calling_area: z.string() }))`
    with recursive areas as (
      (select calling_area from call_tasks where status = 'PENDING' and calling_area is not null order by calling_area limit 1)
      union all
      select (
        select t.calling_area from call_tasks t
        where t.status = 'PENDING' and t.calling_area > a.calling_area order by t.calling_area limit 1
      ) from areas a where a.calling_area is not null
    )
    select calling_area from areas where calling_area is not null
  `);
  return waiting.filter((key) => isOpen(toArea(key), now));
}
