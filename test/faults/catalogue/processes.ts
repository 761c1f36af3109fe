/** F1 to F3, F15: what happens to the services' own processes. */
import { openProgress, PROGRESS_MS } from '../progress.ts';
import type { Fault } from '../stage.ts';
import {
  freeze,
  hits,
  killAndRestart,
  lookupsUnderWay,
  messagesUnderWay,
  pause,
  processOf,
  PUT_OUT,
  readers,
  remedy,
  services,
  shows,
} from '../stage.ts';

/** A consumer group gives a silent member's partitions to another after this long. */
const SESSION_MS = 10_000;
const GRACE_MS = 15_000;
/** One within a session, one beyond it. */
const PAUSES_MS = [5_000, 2 * SESSION_MS] as const;

export const killed: Fault = {
  name: 'F1',
  sentence: 'kill -9 of each of the seven services while it works; each comes back at once',
  doubtsMax: messagesUnderWay,
  paidTwiceMax: lookupsUnderWay,
  async inject(stage) {
    hits(stage, ...services);
    shows(stage, services, '"message":"ready"');
    await Promise.all(
      services.map(async (name) => {
        await pause(stage.random.upTo(4_000));
        await killAndRestart(stage, name);
      }),
    );
  },
  heal: remedy,
};

export const paused: Fault = {
  name: 'F2',
  sentence: 'a service is stopped for 5 or 20 s; after its session another takes over; then it wakes and goes on',
  doubtsMax: messagesUnderWay,
  paidTwiceMax: lookupsUnderWay,
  async inject(stage) {
    const name = stage.random.oneOf(readers);
    const pauseMs = stage.random.oneOf(PAUSES_MS);
    stage.say(`${name} for ${pauseMs / 1_000} s`);
    hits(stage, name);
    const replica = await stage.product.replica(name);
    stage.remedies.push(async () => {
      await replica.stop();
    });
    await pause(stage.random.upTo(1_000));
    if (pauseMs > SESSION_MS) shows(stage, [name], PUT_OUT);
    else stage.signs.hidden.push('a pause within a session is told by nobody');
    freeze(stage, processOf(stage, name).pid);
    await pause(pauseMs);
  },
  heal: async (stage) => {
    const wake = stage.remedies.pop();
    await wake?.();
    // The late owner has the time to do what it had in hand; only then does the other one leave.
    await pause(3_000);
    await remedy(stage);
  },
};

export const rolled: Fault = {
  name: 'F3',
  sentence: 'SIGTERM and restart of each service in turn while it works; each ends in order, within its grace',
  doubtsMax: 0,
  paidTwiceMax: 0,
  async inject(stage) {
    hits(stage, ...services);
    shows(stage, services, '"message":"stopping"');
    for (const name of services) {
      const process = processOf(stage, name);
      const startedAt = Date.now();
      const { code, signal } = await process.stop(GRACE_MS);
      if (code !== 0)
        stage.complain(`${name} ended with ${signal ?? `code ${code}`} after ${Date.now() - startedAt} ms`);
      await process.restart();
    }
  },
  heal: remedy,
};

export const storm: Fault = {
  name: 'F15',
  sentence: 'a replica of a service joins and leaves every few seconds, and its group comes forward all the while',
  doubtsMax: 0,
  paidTwiceMax: lookupsUnderWay,
  async inject(stage) {
    const name = stage.random.oneOf(readers);
    stage.say(name);
    hits(stage, name);
    shows(stage, [name], 'The group is rebalancing, re-joining');
    const { moves, end } = await openProgress(stage, name);
    stage.remedies.push(end);
    for (let round = 1; round <= 4; round += 1) {
      const replica = await stage.product.replica(name);
      // Between joining and leaving, not only once it is over: a group that only ever rebalances would be at rest in the end too.
      if (!(await moves()))
        stage.complain(`${name} did not come forward within ${PROGRESS_MS / 1_000} s (join ${round})`);
      await pause(stage.random.upTo(2_000));
      await replica.stop();
    }
  },
  heal: remedy,
};
