/** The clock and the network of a worker: the machine's, unless a test has put others in their place. */
import type { OutboundGuardOptions } from '../policy/outbound.ts';
import { dialTcp } from '../policy/outbound-connect.ts';
import { resolveBySystem } from '../policy/outbound-resolve.ts';
import type { InjectedFault } from '../settings/runtime-settings.ts';

/** The time by which signatures are judged. */
export function wallClock(fault: InjectedFault | undefined): () => number {
  if (fault?.wallClock === undefined) return () => Date.now();
  const cells = new Float64Array(fault.wallClock);
  return () => {
    const set = cells[0] ?? 0;
    return set === 0 ? Date.now() : set;
  };
}

/** Where names lead and who vouches for them; the rules of the guard hold as ever. */
export function networkOf(fault: InjectedFault | undefined): OutboundGuardOptions {
  const network = fault?.network;
  if (network === undefined) return {};
  return {
    ca: network.ca,
    resolve: async (host) => {
      const address = network.addresses[host];
      return address === undefined ? resolveBySystem(host) : [address];
    },
    dial: (address, port) => dialTcp(address, network.ports[port] ?? port),
  };
}
