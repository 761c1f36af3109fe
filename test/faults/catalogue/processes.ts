/** F1 to F3, F15, F18: what happens to the services' own processes. */
import type { Fault } from '../stage.ts';
import {
  freeze,
  killAndRestart,
  lookupsUnderWay,
  messagesUnderWay,
  pause,
  processOf,
  readers,
  remedy,
  services,
} from '../stage.ts';

/** A consumer group gives a silent member's partitions to another after this long. */
const SESSION_MS = 10_000;
const GRACE_MS = 15_000;

export const killed: Fault = {
  name: 'F1',
  sentence: 'kill -9 of each of the seven services while it works; each comes back at once',
  doubtsMax: messagesUnderWay,
  paidTwiceMax: lookupsUnderWay,
  shows: '"message":"ready"',
  async inject(stage) {
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
  sentence: 'a service is stopped for longer than its session, another takes over, then it wakes and goes on',
  doubtsMax: messagesUnderWay,
  paidTwiceMax: lookupsUnderWay,
  shows: null,
  async inject(stage) {
    const name = stage.random.oneOf(readers);
    stage.say(name);
    const replica = await stage.product.replica(name);
    stage.remedies.push(async () => {
      await replica.stop();
    });
    await pause(stage.random.upTo(1_000));
    freeze(stage, processOf(stage, name).pid);
    await pause(SESSION_MS + 4_000);
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
  shows: '"message":"stopping"',
  async inject(stage) {
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
  sentence: 'a replica of a service joins and leaves every few seconds',
  doubtsMax: 0,
  paidTwiceMax: lookupsUnderWay,
  shows: null,
  async inject(stage) {
    const name = stage.random.oneOf(readers);
    stage.say(name);
    for (let round = 0; round < 4; round += 1) {
      const replica = await stage.product.replica(name);
      await pause(stage.random.upTo(2_000));
      await replica.stop();
    }
  },
  heal: remedy,
};

export const twoSchedulers: Fault = {
  name: 'F18',
  sentence: 'two relays and timer wheels of a service, of which the one that holds the lock is stopped, then killed',
  doubtsMax: messagesUnderWay,
  paidTwiceMax: lookupsUnderWay,
  shows: '"message":"ready"',
  async inject(stage) {
    const name = stage.random.oneOf(readers.filter((reader) => reader !== 'analytics'));
    stage.say(name);
    const replica = await stage.product.replica(name);
    stage.remedies.push(async () => {
      await replica.stop();
    });
    const holder = processOf(stage, name);
    process.kill(holder.pid, 'SIGSTOP');
    await pause(3_000 + stage.random.upTo(3_000));
    process.kill(holder.pid, 'SIGCONT');
    await pause(500);
    await killAndRestart(stage, name);
  },
  heal: remedy,
};
