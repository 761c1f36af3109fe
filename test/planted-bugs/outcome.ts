/** What a run of a test file says, read from vitest's own report: a test failed, all passed, or it could not be run at all. */
import { z } from 'zod';

const report = z.object({
  testResults: z.array(
    z.object({
      message: z.string().optional(),
      assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
    }),
  ),
});

export type Outcome =
  | { readonly kind: 'failed'; readonly test: string }
  | { readonly kind: 'passed'; readonly tests: readonly string[] }
  /** No test of it was run to its end: that proves nothing, whatever is in the code. */
  | { readonly kind: 'broken'; readonly why: string };

/** `code` is null where the run had to be ended; `text` is null where it left no report. */
export function readOutcome(text: string | null, code: number | null): Outcome {
  if (code === null) return { kind: 'broken', why: 'did not end' };
  if (text === null) return { kind: 'broken', why: `left no report (code ${code})` };
  const { testResults } = report.parse(JSON.parse(text));
  const tests = testResults.flatMap((one) => one.assertionResults);
  const named = (status: string): string[] =>
    tests.filter((test) => test.status === status).map(({ fullName }) => fullName.trim());
  const [failed] = named('failed');
  if (failed !== undefined) return { kind: 'failed', test: failed };
  const message = testResults.map((one) => one.message?.split('\n')[0] ?? '').find((line) => line !== '');
  const passed = named('passed');
  if (passed.length === 0) return { kind: 'broken', why: message ?? 'no test was run' };
  return code === 0 ? { kind: 'passed', tests: passed } : { kind: 'broken', why: message ?? `code ${code}` };
}

export type Verdict = { readonly by: string | null; readonly why: readonly string[] };

/** With the bug in, against the same file without it: only a test that passes there can have caught the bug here. */
export function compare(file: string, planted: Outcome, control: () => Promise<Outcome>): Promise<Verdict> {
  if (planted.kind === 'passed') return Promise.resolve({ by: null, why: [] });
  if (planted.kind === 'broken') return Promise.resolve({ by: null, why: [`${file}: ${planted.why}`] });
  return control().then((without) => {
    if (without.kind === 'passed' && without.tests.includes(planted.test)) return { by: planted.test, why: [] };
    const state =
      without.kind === 'failed'
        ? `“${without.test}” fails without any bug`
        : without.kind === 'broken'
          ? `without any bug it ${without.why}`
          : `“${planted.test}” is not among the tests that pass without the bug`;
    return { by: null, why: [`${file}: ${state}`] };
  });
}
