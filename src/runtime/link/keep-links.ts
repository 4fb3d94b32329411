/** One link to each address that the names of the controllers have now; they are resolved again and again. */
import type { LinkClock } from '../../link/link-peer.ts';
import { closeCodes } from '../../link/protocol.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Address, ControllerLink } from './controller-link.ts';
import { resolveControllers, type Lookup } from './resolve-controllers.ts';

export interface KeptLinks {
  /** Open ones and those that are being dialled. */
  all(): readonly ControllerLink[];
  find(id: string): ControllerLink | undefined;
  /** Ends them all, and looks for no more. */
  stop(): void;
}

export interface KeepLinksOptions {
  readonly controllers: readonly Address[];
  readonly lookup: Lookup;
  readonly clock: LinkClock;
  readonly log: Logger;
  readonly lookEveryMs: number;
  dial(address: Address): ControllerLink;
}

export function keepLinks(options: KeepLinksOptions): KeptLinks {
  const { controllers, log, dial } = options;
  const links = new Map<string, ControllerLink>();
  let byName: ReadonlyMap<string, readonly string[]> = new Map();
  let stopped = false;

  async function look(): Promise<void> {
    const { byName: found, troubles } = await resolveControllers(controllers, options.lookup, byName);
    if (stopped) return;
    for (const trouble of troubles) log.warn('no address of the controllers', { trouble });
    byName = found;
    const wanted = new Map<string, Address>();
    for (const { host, port } of controllers) {
      for (const address of found.get(host) ?? []) wanted.set(`${address}:${port}`, { host: address, port });
    }
    for (const [id, address] of wanted) if (!links.has(id)) links.set(id, dial(address));
    for (const [id, link] of links) {
      // A link that is open outlives its address in the name service: the pod may be ending, and says so itself.
      if (wanted.has(id) || link.peer !== undefined) continue;
      link.stop(closeCodes.goingAway, 'the address is gone');
      links.delete(id);
    }
    await Promise.all([...links.values()].map((link) => link.prove()));
  }

  const lookAgain = (): void => {
    look().catch((error: unknown) => log.warn('the link', { error: String(error) }));
  };
  lookAgain();
  const stopLooking = options.clock.every(options.lookEveryMs, lookAgain);

  return {
    all: () => [...links.values()],
    find: (id) => links.get(id),
    stop() {
      stopped = true;
      stopLooking();
      for (const link of links.values()) link.stop(closeCodes.goingAway, 'the runtime ends');
    },
  };
}
