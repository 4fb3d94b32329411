/** Sockets to PostgreSQL, held so that a goodbye which nobody hears has an end: `pg` waits for the server to close its side. */
import { Socket } from 'node:net';

export interface PostgresSockets {
  /** A new one, for the option `stream` of `pg`. */
  open(): Socket;
  /** All there are, at once. */
  cut(): void;
}

export function createPostgresSockets(): PostgresSockets {
  const sockets = new Set<Socket>();
  return {
    open() {
      const socket = new Socket();
      sockets.add(socket);
      return socket.once('close', () => sockets.delete(socket));
    },
    cut() {
      for (const socket of sockets) socket.destroy();
    },
  };
}
