/**
 * Which addresses a provider may live at. Allow-list, not deny-list: what is not plain global unicast is refused, so
 * that a range nobody thought of (NAT64, 6to4, Teredo, IPv4-mapped) is closed as well.
 */
import ipaddr from 'ipaddr.js';

/** `private`: ours, fine for a sandbox only. `never`: metadata services and everything that is no ordinary host. */
export type Reach = 'public' | 'private' | 'never';

/** Look ordinary, but hand out credentials: Azure's wire server, Alibaba's metadata, AWS's metadata over IPv6. */
const METADATA: ReadonlySet<string> = new Set(['168.63.129.16', '100.100.100.200', 'fd00:ec2::254']);

const GLOBAL_UNICAST: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];

/** Where an address (not a name) leads; a text that is no address leads nowhere. */
export function reachOf(address: string): Reach {
  if (!ipaddr.isValid(address)) return 'never';
  const parsed = ipaddr.parse(address);
  if (METADATA.has(parsed.toString())) return 'never';
  const range = parsed.range();
  if (parsed instanceof ipaddr.IPv6) {
    if (range === 'loopback' || range === 'uniqueLocal') return 'private';
    return range === 'unicast' && parsed.match(...GLOBAL_UNICAST) ? 'public' : 'never';
  }
  if (range === 'loopback' || range === 'private' || range === 'carrierGradeNat') return 'private';
  return range === 'unicast' ? 'public' : 'never';
}

export const mayConnect = (address: string, allowPrivate: boolean): boolean => {
  const reach = reachOf(address);
  return reach === 'public' || (allowPrivate && reach === 'private');
};
