/** A record as it can be sent once more. */
import type { SendableRecord, RawRecord } from '@lead-flood/kafka';

export const again = ({ topic, key, value, headers }: RawRecord): SendableRecord => ({
  topic,
  key,
  value,
  headers: Object.fromEntries(
    Object.entries(headers).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])),
  ),
});
