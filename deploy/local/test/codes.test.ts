// The small tables of this folder: error codes match the README, and Maven's and the system's own texts are read right.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { localErrorCodes } from '../src/errors.ts';
import { downloadedBytes } from '../src/maven.ts';
import { identify, isAlive, startedAtTicks } from '../src/process-identity.ts';

describe('the error codes', () => {
  it('are the rows of the README', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const codes = [...readme.matchAll(/^\| `(LOCAL_ERR_\w+)` +\|/gm)].map(([, code]) => code);
    expect(codes.toSorted()).toEqual(Object.keys(localErrorCodes).toSorted());
  });
});

describe('what Maven prints', () => {
  it.each([
    ['Downloaded from central: a/b.jar (5.9 MB at 12 MB/s)', 5_900_000],
    ['[INFO] Downloaded from central: a/b.pom (2.2 kB at 22 kB/s)', 2200],
    ['Downloaded from mirror: a/c.pom (512 B at 5.1 kB/s)', 512],
    ['Downloading from central: a/b.jar', 0],
  ])('%s', (line, bytes) => {
    expect(downloadedBytes(line)).toBe(bytes);
  });
});

describe('the identity of a process', () => {
  it('holds for this process, and not for another start of the same pid', () => {
    const self = identify(process.pid);
    expect(self && isAlive(self)).toBe(true);
    expect(isAlive({ pid: process.pid, startedAtTicks: 1 })).toBe(false);
    expect(startedAtTicks(2 ** 22 + 1)).toBeUndefined();
  });
});
