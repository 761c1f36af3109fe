// The list of names that turn green one by one: redrawn in place on a terminal, one line each elsewhere.
import pc from 'picocolors';

export interface ReadinessList {
  ready(name: string, detail: string): void;
  /** A line above the list. */
  log(line: string): void;
}

export function showReadiness(names: readonly string[], stream: NodeJS.WriteStream = process.stdout): ReadinessList {
  const width = Math.max(...names.map((name) => name.length));
  const details = new Map<string, string>();
  const row = (name: string): string => {
    const detail = details.get(name);
    return detail === undefined
      ? `  ${pc.dim(`· ${name.padEnd(width)}`)}`
      : `  ${pc.green(`✓ ${name.padEnd(width)}`)}  ${detail}`;
  };
  const draw = (): void => {
    for (const name of names) stream.write(`${row(name)}\n`);
  };
  const erase = (): void => {
    stream.moveCursor(0, -names.length);
    stream.clearScreenDown();
  };
  if (stream.isTTY) draw();
  return {
    ready: (name, detail) => {
      details.set(name, detail);
      if (!stream.isTTY) {
        stream.write(`${row(name)}\n`);
        return;
      }
      erase();
      draw();
    },
    log: (line) => {
      if (stream.isTTY) erase();
      stream.write(`${line}\n`);
      if (stream.isTTY) draw();
    },
  };
}
