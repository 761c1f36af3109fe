/** F8: the outside world is slow, ill, or answers with nothing that could be used. */
import type { Fault } from '../stage.ts';
import { lookups, lookupsUnderWay, pause, remedy, setProviders } from '../stage.ts';

const modes = ['slow', 'down', 'rate-limited', 'reset', 'garbage', 'lost'] as const;

export const providers: Fault = {
  name: 'F8',
  sentence:
    'providers are slow, answer 500 or 429, break off, answer garbage or nothing; the mail server loses answers',
  doubtsMax: 0,
  paidTwiceMax: lookupsUnderWay,
  shows: null,
  async inject(stage) {
    stage.remedies.push(async () => {
      await setProviders(stage, [...lookups, 'trengo'], { mode: 'ok' });
      await setProviders(stage, ['mail'], { mode: 'ok' });
    });
    for (let round = 0; round < 3; round += 1) {
      const mode = stage.random.oneOf(modes);
      const mail = stage.random.oneOf(['ok', 'down', 'lost'] as const);
      stage.say(`${mode}, mail ${mail}`);
      await setProviders(stage, [stage.random.oneOf(lookups), 'trengo'], { mode, slowMs: 3_000 });
      await setProviders(stage, ['mail'], { mode: mail });
      await pause(1_500);
    }
  },
  heal: remedy,
};
