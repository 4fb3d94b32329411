/** All links of a runtime: one to every controller replica, the table from the one that leads, answers from any. */
import type { Answer, AskOptions } from '../../link/exchange.ts';
import type { LinkClock } from '../../link/link-peer.ts';
import { linkLimits, protocolVersion, type LinkLimits, type StandMessage, type UpTopic } from '../../link/protocol.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { StateReport } from '../report-states.ts';
import { ControllerLink, type Address, type Credentials } from './controller-link.ts';
import type { LinkEvents, LinkTools, RuntimePeer } from './controller-link.ts';
import { followLeader } from './follow-leader.ts';
import type { ServesTable } from './follow-table.ts';
import { keepLinks } from './keep-links.ts';
import type { Lookup } from './resolve-controllers.ts';
import { sayJudged, sayReport } from './say-in-pieces.ts';
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

/** Another replica is asked beside it. */
const servicesMs = 2_000;

export function createLinkClient(options: LinkClientOptions): LinkClient {
  const { clock, log, file } = options;

  const lease = createServiceLease({
    apply: (policy) => options.server.setPolicy(policy),
    ask: (question) => askable().map((peer) => peer.ask('services', question, { timeoutMs: servicesMs })),
    clock,
    onFailed: (error) => log.error('the Services of tenants could not be opened or closed', { error: String(error) }),
  });

  const leader = followLeader({
    links: () => links,
    server: {
      get table() {
        return options.server.table;
      },
      applyChanges: (changes, version) => options.server.applyChanges(changes, version),
      setPolicy: (policy) => lease.setPolicy(policy),
    },
    ...(file === undefined ? {} : { file }),
    clock,
    log,
    againMs: options.againMs ?? 1_000,
    fileAfterMs: options.fileAfterMs ?? 3_000,
  });

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
      ...(leader.epoch === undefined ? {} : { epoch: leader.epoch }),
    }),
  };

  /** Peers that were told everything once. */
  const greeted = new WeakSet<object>();

  function greet({ id, peer }: ControllerLink, { controller, synced }: StandMessage): void {
    // What is said of functions that a replica does not know yet is lost on it.
    if (peer === undefined || !synced || greeted.has(peer)) return;
    greeted.add(peer);
    log.info('linked to a controller', { controller, address: id });
    sayJudged(peer, leader.acknowledgements());
    const report = options.reported?.();
    if (report !== undefined) sayReport(peer, report);
  }

  const events: LinkEvents = {
    onStand(link, stand) {
      greet(link, stand);
      leader.choose();
    },
    onTable: leader.onTable,
    onPolicy: leader.onPolicy,
    onClosed: leader.onClosed,
    onTrouble: (link, reason) => log.warn('the link to a controller', { address: link.id, reason }),
  };

  const links = keepLinks({
    controllers: options.controllers,
    lookup: options.lookup,
    clock,
    log,
    lookEveryMs: options.lookEveryMs ?? 5_000,
    dial: (address) => new ControllerLink(address, tools, events),
  });

  /** Controllers that know everything, the leader last: it has the most to do. */
  function askable(): readonly RuntimePeer[] {
    const open = links
      .all()
      .flatMap(({ peer, stand }) => (peer === undefined || stand?.synced !== true ? [] : [{ peer, stand }]));
    return open.sort((one, other) => one.stand.epoch - other.stand.epoch).map(({ peer }) => peer);
  }

  return {
    notReady: () => (leader.epoch === undefined ? 'the route table is not there yet' : undefined),
    get links() {
      return links.all().filter(({ peer }) => peer !== undefined).length;
    },
    report(report) {
      for (const { peer } of links.all()) sayReport(peer, report);
    },
    async ask(topic, body, askOptions) {
      const [peer] = askable();
      if (peer === undefined) return { ok: false, code: 'Away', message: 'no controller has a link to this runtime' };
      return await peer.ask(topic, body, askOptions);
    },
    async close() {
      const settled = leader.stop();
      lease.close();
      links.stop();
      await settled;
      await file?.flush();
    },
  };
}
