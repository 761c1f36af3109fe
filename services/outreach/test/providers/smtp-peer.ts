/** A mail server for tests that fails exactly as told, where the sandbox's would not. */
import type { Socket } from 'node:net';

/** What the server says; `null`: closes instead, `hang`: says nothing. `body`: after the final dot. */
export type Script = Partial<Record<'greeting' | 'MAIL FROM' | 'RCPT TO' | 'DATA' | 'body', string | null>>;

/** The shortest SMTP server that can be told how to fail. */
export function converse(socket: Socket, script: Script, onBody: () => void = () => {}): void {
  let isBody = false;
  let rest = '';
  const say = (line: string | null): void => {
    if (line === null) socket.destroy();
    else if (line !== 'hang') socket.write(`${line}\r\n`);
  };
  socket.on('error', () => socket.destroy());
  say(script.greeting === undefined ? '220 test' : script.greeting);
  socket.on('data', (chunk) => {
    rest += chunk.toString();
    for (let at = rest.indexOf('\r\n'); at >= 0; at = rest.indexOf('\r\n')) {
      const line = rest.slice(0, at);
      rest = rest.slice(at + 2);
      if (isBody) {
        if (line !== '.') continue;
        isBody = false;
        onBody();
        say(script.body === undefined ? '250 taken' : script.body);
      } else if (line === 'DATA') {
        isBody = true;
        say(script.DATA ?? '354 go on');
      } else {
        const command = (['MAIL FROM', 'RCPT TO'] as const).find((each) => line.toUpperCase().startsWith(each));
        const answer = command === undefined ? undefined : script[command];
        say(answer === undefined ? '250 ok' : answer);
      }
    }
  });
}
