/** All links of a runtime: one to every controller replica, the table from the one that leads, answers from any. */
import type { Answer, AskOptions } from '../../link/exchange.ts';
import type { LinkClock } from '../../link/link-peer.ts';
import { closeCodes, linkLimits, protocolVersion, type LinkLimits, type UpTopic } from '../../link/protocol.ts';
import type { Acknowledgement } from '../../routing/types.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { StateReport } from '../report-states.ts';
import { chooseController } from './choose-controller.ts';
import { ControllerLink, type Address, type Credentials, type LinkTools } from './controller-link.ts';
import { createTableFollower, type ServesTable } from './follow-table.ts';
import { resolveControllers, type Lookup } from './resolve-controllers.ts';
import { createServiceLease } from './service-lease.ts';
import type { TableFile } from './table-file.ts';

export interface LinkClientOptions {
  readonly controllers: readonly Address[];
  readonly serverName: string;
  readonly runtime: string;
  readonly podName: string;
  readonly podUid: string;
  readonly group: string;
  readonly server: ServesTable;
  readonly file?: TableFile;
  readonly lookup: Lookup;
  credentials(): Promise<Credentials>;
  readonly answer: LinkTools['answer'];
  readonly clock: LinkClock;
  random(): number;
  readonly log: Logger;
  /** What a controller that comes is told of schedules and receivers. */
  reported?(): StateReport;
  readonly limits?: LinkLimits;
  readonly newest?: number;
  /** Names are resolved again so often, and a newer token is looked for. */
  readonly lookEveryMs?: number;
  /** After a table that could not be applied. */
  readonly againMs?: number;
  /** No controller has answered for so long after the start: the table file is read. */
  readonly fileAfterMs?: number;
}

export interface LinkClient {
  /** Undefined: a whole table serves; else why not. */
  notReady(): string | undefined;
  /** Links that are open. */
  readonly links: number;
  /** Tells all controllers of schedules and receivers. */
  report(report: StateReport): void;
  /** Asks any controller that has a link. */
  ask(topic: UpTopic, body: unknown, options: AskOptions): Promise<Answer>;
  /** Tells all controllers. */
  close(): Promise<void>;
}

/** Acknowledgements in one message, and uids of what is held. */
const itemsPerMessage = 1_000;

/** Another replica is asked beside it. */
const servicesMs = 2_000;

const unfollow = { kind: 'follow', on: false, holds: [], more: false } as const;

export function createLinkClient(options: LinkClientOptions): LinkClient {
  const { clock, log, file, controllers } = options;
  const links = new Map<string, ControllerLink>();
  let byName: ReadonlyMap<string, readonly string[]> = new Map();
  let followed: string | undefined;
  let choosing: Promise<void> = Promise.resolve();
  /** The followed controller has not been told everything since it is followed. */
  let sayAll = false;
  let stopAgain = (): void => undefined;
  let closed = false;

  const lease = createServiceLease({
    apply: (policy) => options.server.setPolicy(policy),
    ask: (question) =>
      [...links.values()].flatMap(({ peer, stand }) =>
        peer === undefined || stand?.synced !== true ? [] : [peer.ask('services', question, { timeoutMs: servicesMs })],
      ),
    clock,
    onFailed: (error) => log.error('the Services of tenants could not be opened or closed', { error: String(error) }),
  });
  const follower = createTableFollower({
    server: {
      get table() {
        return options.server.table;
      },
      applyChanges: (changes, version) => options.server.applyChanges(changes, version),
      setPolicy: (policy) => lease.setPolicy(policy),
    },
    onJudged: (acknowledgements) => {
      for (const link of links.values()) tell(link, acknowledgements);
    },
    onWhole: (epoch, version) => {
      file?.whole(epoch);
      const link = followed === undefined ? undefined : links.get(followed);
      // It may have heard of functions before it knew them, while another led.
      if (link !== undefined && sayAll) tell(link, follower.acknowledgements());
      sayAll = false;
      for (const { peer } of links.values()) peer?.send({ kind: 'applied', epoch, version });
    },
    onPolicy: (policy) => file?.notePolicy(policy),
    onApplied: (changes, digests) => file?.note(changes, digests),
    onFailed(error) {
      log.error('the table could not be applied: asking for it again', { error: String(error) });
      const link = followed === undefined ? undefined : links.get(followed);
      link?.peer?.send(unfollow);
      followed = undefined;
      stopAgain = clock.after(options.againMs ?? 1_000, choose);
    },
    onTrouble: (message, fields) => log.error(message, fields),
  });

  function tell(link: ControllerLink, acknowledgements: readonly Acknowledgement[]): void {
    for (let from = 0; from < acknowledgements.length; from += itemsPerMessage) {
      link.peer?.send({ kind: 'judged', acknowledgements: acknowledgements.slice(from, from + itemsPerMessage) });
    }
  }

  function tellReport({ peer }: ControllerLink, { schedules, health }: StateReport): void {
    const longest = Math.max(schedules.length, health.length);
    for (let from = 0; from < longest; from += itemsPerMessage) {
      const to = from + itemsPerMessage;
      peer?.send({ kind: 'report', schedules: schedules.slice(from, to), health: health.slice(from, to) });
    }
  }

  /** One choice after the other: what is held is said only when nothing is being applied. */
  function choose(): void {
    choosing = choosing.then(chooseNow).catch((error: unknown) => log.error('the link', { error: String(error) }));
  }

  async function chooseNow(): Promise<void> {
    if (closed) return;
    const standing = [...links.values()].flatMap(({ id, stand, peer }) =>
      stand === undefined || peer === undefined ? [] : [{ id, epoch: stand.epoch, synced: stand.synced }],
    );
    const best = chooseController(standing, followed, follower.epoch);
    const link = best === undefined ? undefined : links.get(best);
    if (best === followed) {
      follower.lead(link?.stand?.epoch ?? follower.epoch ?? 0);
      return;
    }
    if (followed !== undefined) links.get(followed)?.peer?.send(unfollow);
    followed = undefined;
    follower.drop();
    await follower.settled();
    const { peer, stand } = link ?? {};
    if (best === undefined || peer === undefined || stand === undefined) return;
    log.info('following the table of a controller', { controller: stand.controller, epoch: stand.epoch });
    followed = best;
    sayAll = true;
    follower.lead(stand.epoch);
    const holds = follower.holds();
    let from = 0;
    do {
      const next = from + itemsPerMessage;
      peer.send({ kind: 'follow', on: true, holds: holds.slice(from, next), more: next < holds.length });
      from = next;
    } while (from < holds.length);
  }

  const tools: LinkTools = {
    serverName: options.serverName,
    limits: options.limits ?? linkLimits,
    newest: options.newest ?? protocolVersion,
    clock,
    random: options.random,
    credentials: options.credentials,
    answer: options.answer,
    hello: () => ({
      kind: 'hello',
      runtime: options.runtime,
      podName: options.podName,
      podUid: options.podUid,
      group: options.group,
      ...(follower.epoch === undefined ? {} : { epoch: follower.epoch }),
    }),
  };

  const greeted = new WeakSet<object>();

  function dial(address: Address): ControllerLink {
    return new ControllerLink(address, tools, {
      onStand(link, { controller, synced }) {
        const { peer } = link;
        // What is said of functions that a replica does not know yet is lost on it.
        if (peer !== undefined && synced && !greeted.has(peer)) {
          greeted.add(peer);
          log.info('linked to a controller', { controller, address: link.id });
          tell(link, follower.acknowledgements());
          const report = options.reported?.();
          if (report !== undefined) tellReport(link, report);
        }
        choose();
      },
      onTable(link, message) {
        if (link.id === followed) follower.take(message);
      },
      onPolicy(link, policy) {
        if (link.id === followed) follower.takePolicy(policy);
      },
      onClosed(link) {
        if (link.id === followed) {
          followed = undefined;
          follower.drop();
        }
        choose();
      },
      onTrouble: (link, reason) => log.warn('the link to a controller', { address: link.id, reason }),
    });
  }

  async function look(): Promise<void> {
    const { byName: found, troubles } = await resolveControllers(controllers, options.lookup, byName);
    if (closed) return;
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
  const stopLooking = clock.every(options.lookEveryMs ?? 5_000, lookAgain);
  const stopFile = clock.after(options.fileAfterMs ?? 3_000, () => {
    if (file === undefined || follower.epoch !== undefined || followed !== undefined) return;
    choosing = choosing
      .then(() => restore(file))
      .catch((error: unknown) => log.error('the table file', { error: String(error) }));
  });

  async function restore(from: TableFile): Promise<void> {
    if (follower.epoch !== undefined || followed !== undefined || closed) return;
    const stored = await from.read();
    if (stored === undefined) return;
    await follower.restore(stored);
    log.warn('no controller answers: serving the table this pod had; what needs a secret answers 503', {
      functions: stored.changes.length,
    });
    choose();
  }

  return {
    notReady: () => (follower.epoch === undefined ? 'the route table is not there yet' : undefined),
    get links() {
      return [...links.values()].filter(({ peer }) => peer !== undefined).length;
    },
    report(report) {
      for (const link of links.values()) tellReport(link, report);
    },
    async ask(topic, body, askOptions) {
      const open = [...links.values()].filter(({ peer, stand }) => peer !== undefined && stand?.synced === true);
      // The leader last: it has the most to do.
      open.sort((one, other) => (one.stand?.epoch ?? 0) - (other.stand?.epoch ?? 0));
      const [link] = open;
      return (
        (await link?.peer?.ask(topic, body, askOptions)) ?? {
          ok: false,
          code: 'Away',
          message: 'no controller has a link to this runtime',
        }
      );
    },
    async close() {
      closed = true;
      stopLooking();
      stopFile();
      stopAgain();
      lease.close();
      for (const link of links.values()) link.stop(closeCodes.goingAway, 'the runtime ends');
      await follower.settled();
      await file?.flush();
    },
  };
}
