/** Sets the sandbox while it runs: test/sandbox/README.md says what. */
import type { Everything } from '@lead-flood/local';

export async function control({ addresses }: Everything, path: string, settings: object): Promise<void> {
  const answer = await fetch(`${addresses.sandbox}/_control/${path}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(settings),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
}
