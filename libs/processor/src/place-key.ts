/** One text for a partition of a topic, as the key of maps. */
export const placeKey = (at: { readonly topic: string; readonly partition: number }): string =>
  `${at.topic}/${at.partition}`;
