// The folder where fetched servers are kept, shared by all clones of this user. An entry is complete or absent: it is
// filled in a folder beside its place and renamed, so a second process at the same time is safe.
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { systemErrorCode } from './errors.ts';

/** `$LEAD_FLOOD_CACHE`, else `$XDG_CACHE_HOME/lead-flood`, else `~/.cache/lead-flood`. */
export function cacheDirectory(): string {
  const own = process.env['LEAD_FLOOD_CACHE'];
  if (own) return own;
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'lead-flood');
}

/** The path of the entry; `fill` is called with an empty folder when there is none yet. */
export async function cacheEntry(name: string, fill: (directory: string) => Promise<void>): Promise<string> {
  const root = cacheDirectory();
  const entry = join(root, name);
  if (existsSync(entry)) return entry;
  mkdirSync(root, { recursive: true });
  const draft = mkdtempSync(join(root, `.${name}-`));
  try {
    await fill(draft);
    renameSync(draft, entry);
  } catch (error) {
    // Another process finished first: its entry is as good as ours.
    if (!['ENOTEMPTY', 'EEXIST'].includes(systemErrorCode(error) ?? '')) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return entry;
}
