/** A server's address that can be shut: connections go through, are refused, or are taken and never answered. */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

export type DoorState = 'open' | 'closed' | 'silent';

export type Door = {
  readonly port: number;
  /** Ends what goes through at the moment; who was met with silence stays with it. */
  readonly set: (state: DoorState) => Promise<void>;
  /** Connections that were met with silence so far. */
  readonly kept: () => number;
};

export async function openDoor(target: { host: string; port: number }, first: DoorState): Promise<Door> {
  let state = first;
  let kept = 0;
  const passing = new Set<Socket>();
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    if (state === 'silent') {
      kept += 1;
      return;
    }
    const behind = connect(target);
    for (const one of [socket, behind]) {
      passing.add(one);
      one.once('close', () => {
        passing.delete(one);
        socket.destroy();
        behind.destroy();
      });
    }
    behind.on('error', () => behind.destroy());
    socket.pipe(behind).pipe(socket);
  });
  // The port is ours from now on, whether anybody listens on it or not.
  await listen(server, 0);
  const { port } = server.address() as AddressInfo;
  const set = async (next: DoorState): Promise<void> => {
    state = next;
    for (const socket of passing) socket.destroy();
    if (next === 'closed') server.close();
    else if (!server.listening) await listen(server, port);
  };
  await set(first);
  return { port, set, kept: () => kept };
}

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.removeListener('error', reject);
      // The suite ends with its processes, not with its doors.
      server.unref();
      resolve();
    });
  });
