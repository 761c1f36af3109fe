// Shows that a download is under way: a live bar on a terminal, otherwise a line at the start, every ten seconds and at
// the end. Nothing is shown for what is already in the cache.
import { SingleBar } from 'cli-progress';

const megabyte = 1_000_000;
const heartbeatMs = 10_000;

export interface Download {
  readonly what: string;
  readonly sizeMb: number;
}

export type ReceivedBytes = (bytes: number) => void;

export async function showDownload<T>(
  download: Download,
  log: (line: string) => void,
  work: (received: ReceivedBytes) => Promise<T>,
): Promise<T> {
  const startedAt = performance.now();
  const seconds = (): string => ((performance.now() - startedAt) / 1000).toFixed(0);
  let receivedMb = 0;
  log(`fetching ${download.what} (${download.sizeMb} MB) ...`);
  const bar = process.stderr.isTTY ? startBar(download) : undefined;
  const timer = setInterval(
    () => {
      if (bar) bar.update(receivedMb, { seconds: seconds() });
      else log(`fetching ${download.what}: ${receivedMb} of ${download.sizeMb} MB after ${seconds()} s`);
    },
    bar ? 200 : heartbeatMs,
  );
  try {
    const result = await work((bytes) => {
      receivedMb = Math.min(download.sizeMb, Math.round(bytes / megabyte));
    });
    bar?.update(download.sizeMb, { seconds: seconds() });
    return result;
  } finally {
    clearInterval(timer);
    bar?.stop();
    log(`fetching ${download.what} took ${seconds()} s`);
  }
}

function startBar(download: Download): SingleBar {
  const bar = new SingleBar({
    format: `  ${download.what} [{bar}] {value}/{total} MB, {seconds} s`,
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: false,
  });
  bar.start(download.sizeMb, 0, { seconds: 0 });
  return bar;
}
