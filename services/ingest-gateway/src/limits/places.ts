/**
 * How many requests may be with a service at once, or files be read. What cannot be answered in time is refused here, at once
 * and with a time to come back, instead of standing in a queue until everybody's patience has run out.
 */
export type Places = {
  /** How many of them one organisation may hold. */
  readonly ofOne: number;
  /** Gives how to leave again, or null where there is no place. */
  readonly enter: (service: string, orgId: string) => (() => void) | null;
};

/** One organisation alone must not take the last places: of them the others live while it pushes. */
const SHARE_MAX = 0.75;
export const placesOfOne = (max: number): number => Math.ceil(max * SHARE_MAX);

export function createPlaces(max: number, ofOne = placesOfOne(max)): Places {
  const taken = new Map<string, number>();
  const of = (name: string): number => taken.get(name) ?? 0;
  const add = (name: string, by: 1 | -1): void => {
    const now = of(name) + by;
    if (now === 0) taken.delete(name);
    else taken.set(name, now);
  };
  return {
    ofOne,
    enter(service, orgId) {
      const own = `${service} ${orgId}`;
      if (of(service) >= max || of(own) >= ofOne) return null;
      add(service, 1);
      add(own, 1);
      return () => {
        add(service, -1);
        add(own, -1);
      };
    },
  };
}
