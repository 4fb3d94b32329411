/** How many connections each client has: one alone must not take the places of all. */
import type { Socket } from 'node:net';
import { networkOf } from './client-address.ts';

export interface ConnectionCounts {
  /** False: the client has as many as it may; otherwise it is counted until the socket closes. */
  admit(socket: Socket): boolean;
}

/** `isProxy`: an address that stands for many clients has no bound of its own. */
export function createConnectionCounts(most: number, isProxy: (address: string) => boolean): ConnectionCounts {
  const counts = new Map<string, number>();
  return {
    admit(socket) {
      const address = socket.remoteAddress;
      // Gone already.
      if (address === undefined) return true;
      // Parsing costs more than all the rest.
      const network = address.includes(':') ? networkOf(address) : address;
      const count = counts.get(network) ?? 0;
      if (count >= most && !isProxy(address)) return false;
      counts.set(network, count + 1);
      socket.once('close', () => {
        const left = (counts.get(network) ?? 1) - 1;
        if (left === 0) counts.delete(network);
        else counts.set(network, left);
      });
      return true;
    },
  };
}
