/** The controller's end of all links: admits runtimes, sends them the table, gathers what they say of it. */
import { errorMessage } from '../../failures/error-message.ts';
import type { Answer, AskOptions } from '../../link/exchange.ts';
import type { LinkClock } from '../../link/link-peer.ts';
import { closeCodes, linkLimits, protocolVersion, type LinkLimits } from '../../link/protocol.ts';
import type { DownTopic, UpTopic } from '../../link/protocol.ts';
import { servePeers, type Admission, type ServingCertificate } from '../../link/serve-peers.ts';
import type { InstallationPolicy } from '../../policy/installation-policy.ts';
import { diffTables, emptyTable, uidOfChange } from '../../routing/diff-tables.ts';
import { createFormsByGroup } from '../../routing/group-forms.ts';
import type { RouteTable } from '../../routing/types.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Acknowledgements, Leadership, TableSource } from '../types.ts';
import { judgeRuntimeToken, type RuntimeAccounts, type RuntimeProof, type TokenReviewStatus } from './admit-runtime.ts';
import { createEntryTexts } from './entry-texts.ts';
import { keepStand } from './keep-stand.ts';
import { createRuntimeBook } from './runtime-book.ts';
import { RuntimeLink, type Hello } from './runtime-link.ts';

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

const tokenWithoutExpiryMs = 600_000;
const textsKeptMs = 2_000;

export async function createLinkServer(options: LinkServerOptions): Promise<LinkServer> {
  const { accounts, source, clock, log, limits = linkLimits } = options;
  const open = new Set<RuntimeLink>();
  /** By pod, those that said hello. */
  const links = new Map<string, RuntimeLink>();
  const book = createRuntimeBook(clock);
  const texts = createEntryTexts();
  const formsOf = createFormsByGroup();
  let policy = options.policy();
  let table: RouteTable = source.current() ?? emptyTable;

  const stand = keepStand({ ...options, outrankedMs: options.outrankedMs ?? 30_000, onChanged: tellStand });

  function tellStand(): void {
    const message = stand.now();
    for (const link of open) link.sendStand(message);
  }

  async function prove(token: string): Promise<Admission<RuntimeProof>> {
    try {
      const status = await options.reviewToken(token, [accounts.audience]);
      const verdict = judgeRuntimeToken(status, token, accounts, clock.wall() + tokenWithoutExpiryMs);
      if (verdict.ok) return { ok: true, who: verdict.proof };
      return { ok: false, status: 401, reason: verdict.reason };
    } catch (error) {
      log.warn('a runtime could not be reviewed', { error: errorMessage(error) });
      return { ok: false, status: 503, reason: 'the API server could not be asked: try again' };
    }
  }

  function greeted(link: RuntimeLink, { runtime, epoch }: Hello): void {
    const { podUid, podName } = link.proof;
    links.get(podUid)?.close(closeCodes.replaced, 'a newer link of this pod');
    links.set(podUid, link);
    book.connected(link.proof, runtime, epoch !== undefined);
    log.info('a runtime is linked', { pod: podName, runtime });
    stand.heard(podUid, epoch);
  }

  function closed(link: RuntimeLink, code: number, reason: string): void {
    const { podUid, podName } = link.proof;
    open.delete(link);
    if (links.get(podUid) !== link) return;
    links.delete(podUid);
    stand.left(podUid);
    book.disconnected(podUid);
    log.info('a link has ended', { pod: podName, code, reason });
  }

  /** A new policy goes ahead of the table it was built under. */
  function lookAtPolicy(): void {
    const current = options.policy();
    if (current === policy) return;
    policy = current;
    for (const link of links.values()) link.sendPolicy(policy);
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
      const { podName, podUid, group } = proof;
      const link = new RuntimeLink({
        socket,
        proof,
        token,
        limits,
        clock,
        forms: formsOf(group),
        texts,
        reviewEveryMs: options.reviewEveryMs ?? 60_000,
        prove,
        answer: (topic, body, signal) => options.answer(topic, body, proof, signal),
        onHello: greeted,
        onClaim: (hello) => log.warn('a runtime claimed to be another', { pod: podName, claimed: hello.podName }),
        onFollow(follower) {
          follower.sendPolicy(policy);
          follower.sendTable(table, stand.now().epoch);
        },
        onSaid(message) {
          switch (message.kind) {
            case 'judged':
              return book.judged(proof, message.acknowledgements, table);
            case 'applied':
              stand.heard(podUid, message.epoch);
              return book.applied(podUid);
            case 'report':
              return book.reported(group, message.schedules, message.health, table);
          }
        },
        onClosed: closed,
      });
      open.add(link);
      link.sendStand(stand.now());
    },
  });

  const stopTable = source.subscribe((next) => {
    lookAtPolicy();
    const uids = diffTables(table, next).map(uidOfChange);
    const first = table === emptyTable;
    table = next;
    book.tableChanged(uids, next);
    if (first) tellStand();
    const { epoch } = stand.now();
    for (const link of links.values()) link.sendChanges(uids, next, epoch);
  });
  const stopTexts = clock.every(textsKeptMs, () => {
    texts.forgetTexts();
    lookAtPolicy();
  });

  return {
    ...book.acknowledgements,
    port: server.port,
    setCertificate: (certificate) => server.setCertificate(certificate),
    podGone(podUid) {
      links.get(podUid)?.close(closeCodes.unproved, 'the pod is gone');
      book.forget(podUid);
    },
    ask(podUid, topic, body, askOptions) {
      const link = links.get(podUid);
      if (link === undefined) return Promise.resolve({ ok: false, code: 'Away', message: 'the runtime has no link' });
      return link.ask(topic, body, askOptions);
    },
    async close() {
      stopTable();
      stopTexts();
      stand.stop();
      for (const link of open) link.close(closeCodes.goingAway, 'the controller ends');
      links.clear();
      book.close();
      await server.close();
    },
  };
}
