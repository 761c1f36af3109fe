/** Older bases of the same doors (decision C-12): `/api/v1/...` and `/api/...` are `/v1/...`. Webhooks have one path only. */

export function canonicalUrl(url: string): string {
  if (url.startsWith('/api/v1/')) return url.slice('/api'.length);
  return url.startsWith('/api/') ? `/v1/${url.slice('/api/'.length)}` : url;
}
