/** I12. The list of what was injected, against the services' logs: a fault that nobody can see cannot be repaired by anybody. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { Invariant } from './invariant.ts';
import { CannotCheck, finding } from './invariant.ts';
import { logFiles } from './processes.ts';

export const visibleFaults: Invariant = {
  name: 'I12',
  sentence: 'Every injected fault can be seen in a log.',
  atRest: false,
  check(world) {
    const { faults } = world;
    if (faults === undefined) return Promise.reject(new CannotCheck('no list of injected faults'));
    const files = logFiles(world);
    if (files === null) return Promise.reject(new CannotCheck('no logs at hand'));
    const lines = files.flatMap((file) =>
      readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((text) => {
          const at = timeOf(text);
          return at === null ? [] : [{ service: basename(file, '.log'), at, text }];
        }),
    );
    const unseen = faults.filter(
      ({ from, until, service, shows }) =>
        !lines.some(
          (line) =>
            line.at >= from &&
            line.at <= until &&
            (service === null || line.service === service) &&
            new RegExp(shows).test(line.text),
        ),
    );
    const violations = unseen.map(({ name, from, service, shows }) => ({
      id: name,
      what: `injected at ${new Date(from).toISOString()}, and no line of ${service ?? 'any service'} shows ${shows}`,
    }));
    return Promise.resolve(finding(faults.length, violations));
  },
};

/** Our services write JSON with a timestamp; other lines (of the servers) have no time that could be compared. */
function timeOf(line: string): number | null {
  const time = /"timestamp":"([^"]+)"/.exec(line)?.[1];
  return time === undefined ? null : Date.parse(time);
}
