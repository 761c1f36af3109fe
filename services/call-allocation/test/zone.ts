/** A zone in which it is now this hour; such zones are named by whole hours from UTC, with the sign the wrong way round. */
export function zoneAt(hour: number): string {
  const difference = hour - new Date().getUTCHours();
  const offset = difference < -12 ? difference + 24 : difference > 12 ? difference - 24 : difference;
  return offset === 0 ? 'Etc/UTC' : `Etc/GMT${offset > 0 ? '-' : '+'}${Math.abs(offset)}`;
}
