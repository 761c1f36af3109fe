/** A provider for tests that misbehaves exactly as told, on the level of the socket where HTTP servers would not. */
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export type Act = (socket: Socket, request: string) => void;

export type Peer = {
  readonly url: string;
  readonly port: number;
  readonly requests: string[];
  connections: number;
  act: Act;
  stop(): Promise<void>;
};

/** Every complete request (header block; bodies of tests are small and arrive with it) is handed to `act`. */
export async function startPeer(act: Act = reply(200, '{"ok":true}')): Promise<Peer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    peer.connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // a caller that breaks off is what half of the tests are about
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      const request = chunk.toString();
      peer.requests.push(request);
      peer.act(socket, request);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // a TCP server that listens has one
  const peer: Peer = {
    url: `http://127.0.0.1:${port}`,
    port,
    requests: [],
    connections: 0,
    act,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return peer;
}

export function reply(status: number, body: string, headers: Record<string, string> = {}): Act {
  const lines = Object.entries({ 'content-length': String(Buffer.byteLength(body)), ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return (socket) => void socket.write(`HTTP/1.1 ${status} X\r\n${lines.join('')}\r\n${body}`);
}

/** The acts one after the other; the last one stays. */
export function inTurn(...acts: readonly [Act, ...Act[]]): Act {
  let turn = 0;
  return (socket, request) => {
    const act = acts[Math.min(turn, acts.length - 1)] ?? acts[0];
    turn += 1;
    act(socket, request);
  };
}
