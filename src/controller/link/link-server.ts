/** The controller's end of all links: admits runtimes, sends them the table, gathers what they say of it. */
import { errorMessage } from '../../failures/error-message.ts';
import type { Answer, Answerer, AskOptions } from '../../link/exchange.ts';
import { LinkPeer, type LinkClock } from '../../link/link-peer.ts';
import { closeCodes, linkLimits, protocolVersion, type LinkLimits } from '../../link/protocol.ts';
import type { DownTopic, Exchange, FromController, FromRuntime, StandMessage, UpTopic } from '../../link/protocol.ts';
import { readFromRuntime } from '../../link/read-message.ts';
import { servePeers, type Admission, type ServingCertificate } from '../../link/serve-peers.ts';
import type { InstallationPolicy } from '../../policy/installation-policy.ts';
import { policyForGroup } from '../../policy/runtime-groups.ts';
import { diffTables, emptyTable } from '../../routing/diff-tables.ts';
import { createFormsByGroup } from '../../routing/group-forms.ts';
import type { RouteTable } from '../../routing/types.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Acknowledgements, Leadership, TableSource } from '../types.ts';
import { judgeRuntimeToken, type RuntimeAccounts, type RuntimeProof, type TokenReviewStatus } from './admit-runtime.ts';
import { createEntryTexts } from './entry-texts.ts';
import { createRuntimeBook } from './runtime-book.ts';
import { createTableSender, type TableSender } from './send-table.ts';
import { keepProved, type Proving } from './keep-proved.ts';

/** Whose question it is. */
export interface AskingRuntime {
  readonly podName: string;
  readonly podUid: string;
  readonly group: string;
}

export interface LinkServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly certificate: ServingCertificate;
  /** Name of this replica's pod. */
  readonly controller: string;
  readonly accounts: RuntimeAccounts;
  /** Asks the API server; may reject. */
  reviewToken(token: string, audiences: readonly string[]): Promise<TokenReviewStatus>;
  readonly source: TableSource;
  readonly leadership: Leadership;
  /** In force now; the same object until it changes. */
  policy(): InstallationPolicy;
  answer(topic: UpTopic, body: unknown, from: AskingRuntime, signal: AbortSignal): Promise<Answer>;
  readonly clock: LinkClock & { wall(): number };
  readonly log: Logger;
  readonly limits?: LinkLimits;
  /** Newest protocol version spoken; tests play the next one. */
  readonly newest?: number;
  /** Tokens of open links are reviewed again so often: a pod that is gone loses its link. */
  readonly reviewEveryMs?: number;
  /** A leader whose epoch is below what a runtime serves and who still leads after so long goes above it. */
  readonly outrankedMs?: number;
}

export interface LinkServer extends Acknowledgements {
  readonly port: number;
  setCertificate(certificate: ServingCertificate): void;
  /** The pod does not exist any more. */
  podGone(podUid: string): void;
  /** Asks one runtime. */
  ask(podUid: string, topic: DownTopic, body: unknown, options: AskOptions): Promise<Answer>;
  close(): Promise<void>;
}

type Peer = LinkPeer<FromRuntime, FromController, DownTopic, UpTopic>;

interface Link {
  readonly peer: Peer;
  readonly proof: RuntimeProof;
  readonly proving: Proving;
  readonly sender: TableSender;
  /** Set by its hello: until then nothing else is taken. */
  greeted: boolean;
  following: boolean;
  holds: (readonly [string, string])[];
}

const tokenWithoutExpiryMs = 600_000;
const textsKeptMs = 2_000;

export async function createLinkServer(options: LinkServerOptions): Promise<LinkServer> {
  const { accounts, source, leadership, clock, log, controller, limits = linkLimits } = options;
  /** By pod, those that said hello; and the peers of all. */
  const links = new Map<string, Link>();
  const peers = new Set<Peer>();
  const book = createRuntimeBook(clock);
  const texts = createEntryTexts();
  const formsOf = createFormsByGroup();
  let policy = options.policy();
  /** Epochs below it are not enough. */
  let floor = 0;
  let stopOutranked = (): void => undefined;
  let table: RouteTable = source.current() ?? emptyTable;

  const prove = async (token: string): Promise<Admission<RuntimeProof>> => {
    try {
      const status = await options.reviewToken(token, [accounts.audience]);
      const verdict = judgeRuntimeToken(status, token, accounts, clock.wall() + tokenWithoutExpiryMs);
      if (verdict.ok) return { ok: true, who: verdict.proof };
      return { ok: false, status: 401, reason: verdict.reason };
    } catch (error) {
      log.warn('a runtime could not be reviewed', { error: errorMessage(error) });
      return { ok: false, status: 503, reason: 'the API server could not be asked: try again' };
    }
  };

  const stand = (): StandMessage => ({
    kind: 'stand',
    controller,
    epoch: leadership.leading ? Math.max(leadership.epoch, floor) : 0,
    synced: source.current() !== undefined,
  });

  function tellStand(): void {
    const message = stand();
    for (const peer of peers) peer.send(message);
  }

  function take(link: Link, message: Exclude<FromRuntime, Exchange<UpTopic>>): void {
    const { peer, proof, sender } = link;
    if (message.kind === 'hello') return greet(link, message);
    if (!link.greeted) return peer.close(closeCodes.malformed, 'the first message is a hello');
    switch (message.kind) {
      case 'follow':
        if (!message.on) {
          link.following = false;
          link.holds = [];
          return sender.stop();
        }
        link.holds.push(...message.holds);
        if (message.more) return undefined;
        link.following = true;
        sendPolicy(link);
        sender.start(link.holds, table, stand().epoch);
        link.holds = [];
        return undefined;
      case 'judged':
        return book.judged(proof, message.acknowledgements, table);
      case 'applied':
        return book.applied(proof.podUid);
      case 'report':
        return book.reported(proof.group, message.schedules, message.health, table);
      case 'proof':
        return void link.proving.renew(message.token);
    }
  }

  const sendPolicy = ({ peer, proof: { group } }: Link): void => {
    const own = policyForGroup(policy, group) as unknown as Readonly<Record<string, unknown>>;
    peer.send({ kind: 'policy', policy: own });
  };

  /** A new policy goes ahead of the table it was built under. */
  function lookAtPolicy(): void {
    const current = options.policy();
    if (current === policy) return;
    policy = current;
    for (const link of links.values()) if (link.following) sendPolicy(link);
  }

  function greet(link: Link, hello: FromRuntime & { readonly kind: 'hello' }): void {
    const { peer, proof } = link;
    if (link.greeted) return peer.close(closeCodes.malformed, 'a second hello');
    if (hello.podUid !== proof.podUid || hello.podName !== proof.podName || hello.group !== proof.group) {
      log.warn('a runtime claimed to be another', { pod: proof.podName, claimed: hello.podName });
      return peer.close(closeCodes.notYours, 'pod and group must be those the token was made for');
    }
    links.get(proof.podUid)?.peer.close(closeCodes.replaced, 'a newer link of this pod');
    links.set(proof.podUid, link);
    link.greeted = true;
    book.connected(proof, hello.runtime, hello.epoch !== undefined);
    log.info('a runtime is linked', { pod: proof.podName, runtime: hello.runtime });
    const own = stand().epoch;
    if (own > 0 && (hello.epoch ?? 0) > own) outranked(hello.epoch ?? 0);
    return undefined;
  }

  /**
   * The count of elections began anew (its Lease was deleted): runtimes would keep what they have for ever. A leader that was
   * only asleep has lost its lease by the time this waits for, and does nothing.
   */
  function outranked(epoch: number): void {
    log.warn('a runtime serves the table of a higher election', { epoch, own: stand().epoch });
    stopOutranked();
    stopOutranked = clock.after(options.outrankedMs ?? 30_000, () => {
      if (!leadership.leading || epoch < stand().epoch) return;
      floor = epoch + 1;
      log.warn('the count of elections began anew: going above what runtimes serve', { epoch: floor });
      tellStand();
    });
  }

  const server = await servePeers<RuntimeProof>({
    host: options.host,
    port: options.port,
    certificate: options.certificate,
    limits,
    newest: options.newest ?? protocolVersion,
    admit: prove,
    onRefused: (status, reason) => log.warn('a link was refused', { status, reason }),
    onPeer(socket, proof, token) {
      const from: AskingRuntime = proof;
      const answer: Answerer<UpTopic> = (topic, body, signal) =>
        link.greeted
          ? options.answer(topic, body, from, signal)
          : Promise.resolve({ ok: false, code: 'Refused', message: 'the first message is a hello' });
      const peer: Peer = new LinkPeer({
        socket,
        limits,
        clock,
        metered: true,
        read: readFromRuntime,
        onMessage: (message) => take(link, message),
        answer,
        onClosed({ code, reason }) {
          peers.delete(peer);
          stopHello();
          link.proving.stop();
          link.sender.stop();
          if (links.get(proof.podUid) !== link) return;
          links.delete(proof.podUid);
          book.disconnected(proof.podUid);
          log.info('a link has ended', { pod: proof.podName, code, reason });
        },
      });
      const sender = createTableSender({
        forms: formsOf(proof.group),
        texts,
        send: (text, taken) => peer.sendText(text, taken),
        buffered: () => peer.bufferedBytes,
        later: (callback) => void setImmediate(callback),
      });
      const proving = keepProved({
        proof,
        token,
        prove,
        clock,
        reviewEveryMs: options.reviewEveryMs ?? 60_000,
        askForNew: () => peer.send({ kind: 'prove' }),
        onUnproved: (reason) => peer.close(closeCodes.unproved, reason),
      });
      const link: Link = { peer, proof, proving, sender, greeted: false, following: false, holds: [] };
      const stopHello = clock.after(limits.helloMs, () => {
        if (!link.greeted) peer.close(closeCodes.silent, 'no hello');
      });
      peers.add(peer);
      peer.send(stand());
    },
  });

  const stopTable = source.subscribe((next) => {
    lookAtPolicy();
    const changes = diffTables(table, next);
    const first = table === emptyTable;
    table = next;
    const uids = changes.map((change) =>
      'uid' in change ? change.uid : change.op === 'set' ? change.entry.uid : change.subscription.uid,
    );
    book.tableChanged(uids, next);
    if (first) tellStand();
    const { epoch } = stand();
    for (const link of links.values()) if (link.following) link.sender.update(uids, next, epoch);
  });
  const stopLeadership = leadership.subscribe(tellStand);
  const stopTexts = clock.every(textsKeptMs, () => {
    texts.forgetTexts();
    lookAtPolicy();
  });

  return {
    ...book.acknowledgements,
    port: server.port,
    setCertificate: (certificate) => server.setCertificate(certificate),
    podGone(podUid) {
      links.get(podUid)?.peer.close(closeCodes.unproved, 'the pod is gone');
      book.forget(podUid);
    },
    ask(podUid, topic, body, askOptions) {
      const link = links.get(podUid);
      if (link === undefined) return Promise.resolve({ ok: false, code: 'Away', message: 'the runtime has no link' });
      return link.peer.ask(topic, body, askOptions);
    },
    async close() {
      stopTable();
      stopLeadership();
      stopTexts();
      stopOutranked();
      for (const peer of peers) peer.close(closeCodes.goingAway, 'the controller ends');
      links.clear();
      book.close();
      await server.close();
    },
  };
}
