/** Whose table this runtime takes: that of the controller that leads; without any, the one that stood in its file. */
import type { LinkClock } from '../../link/link-peer.ts';
import type { Acknowledgement } from '../../routing/types.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { chooseController } from './choose-controller.ts';
import type { ControllerLink, LinkEvents } from './controller-link.ts';
import { createTableFollower, type ServesTable } from './follow-table.ts';
import type { KeptLinks } from './keep-links.ts';
import { sayFollow, sayJudged, sayUnfollow } from './say-in-pieces.ts';
import type { TableFile } from './table-file.ts';

export interface LeaderFollower extends Pick<LinkEvents, 'onTable' | 'onPolicy' | 'onClosed'> {
  /** Epoch of the table that serves; undefined: none is whole yet. */
  readonly epoch: number | undefined;
  acknowledgements(): readonly Acknowledgement[];
  /** A controller stands elsewhere: another may be the one to follow. */
  choose(): void;
  /** Follows nobody from now on; resolves when nothing is being applied. */
  stop(): Promise<void>;
}

export interface FollowLeaderOptions {
  links(): Pick<KeptLinks, 'all' | 'find'>;
  readonly server: ServesTable;
  readonly file?: TableFile;
  readonly clock: LinkClock;
  readonly log: Logger;
  /** After a table that could not be applied. */
  readonly againMs: number;
  /** No controller has answered for so long after the start: the table file is read. */
  readonly fileAfterMs: number;
}

export function followLeader(options: FollowLeaderOptions): LeaderFollower {
  const { clock, log, file, links } = options;
  let followed: string | undefined;
  let choosing: Promise<void> = Promise.resolve();
  /** The followed controller has not been told everything since it is followed. */
  let sayAll = false;
  let stopAgain = (): void => undefined;
  let stopped = false;

  const followedLink = (): ControllerLink | undefined => (followed === undefined ? undefined : links().find(followed));

  const follower = createTableFollower({
    server: options.server,
    onJudged(acknowledgements) {
      for (const { peer } of links().all()) sayJudged(peer, acknowledgements);
    },
    onWhole(epoch, version) {
      file?.whole(epoch);
      // It may have heard of functions before it knew them, while another led.
      if (sayAll) sayJudged(followedLink()?.peer, follower.acknowledgements());
      sayAll = false;
      for (const { peer } of links().all()) peer?.send({ kind: 'applied', epoch, version });
    },
    onPolicy: (policy) => file?.notePolicy(policy),
    onApplied: (changes, digests) => file?.note(changes, digests),
    onFailed(error) {
      log.error('the table could not be applied: asking for it again', { error: String(error) });
      sayUnfollow(followedLink()?.peer);
      followed = undefined;
      stopAgain = clock.after(options.againMs, choose);
    },
    onTrouble: (message, fields) => log.error(message, fields),
  });

  /** One after the other: what is held is said only when nothing is being applied. */
  function inTurn(what: string, work: () => Promise<void>): void {
    choosing = choosing.then(work).catch((error: unknown) => log.error(what, { error: String(error) }));
  }

  function choose(): void {
    inTurn('the link', chooseNow);
  }

  async function chooseNow(): Promise<void> {
    if (stopped) return;
    const standing = links()
      .all()
      .flatMap(({ id, stand, peer }) =>
        stand === undefined || peer === undefined ? [] : [{ id, epoch: stand.epoch, synced: stand.synced }],
      );
    const best = chooseController(standing, followed, follower.epoch);
    const link = best === undefined ? undefined : links().find(best);
    if (best === followed) {
      follower.lead(link?.stand?.epoch ?? follower.epoch ?? 0);
      return;
    }
    sayUnfollow(followedLink()?.peer);
    followed = undefined;
    follower.drop();
    await follower.settled();
    if (link !== undefined) follow(link);
  }

  function follow({ id, peer, stand }: ControllerLink): void {
    if (peer === undefined || stand === undefined) return;
    log.info('following the table of a controller', { controller: stand.controller, epoch: stand.epoch });
    followed = id;
    sayAll = true;
    follower.lead(stand.epoch);
    sayFollow(peer, follower.holds());
  }

  const needsFile = (): boolean => follower.epoch === undefined && followed === undefined && !stopped;

  async function restore(from: TableFile): Promise<void> {
    if (!needsFile()) return;
    const stored = await from.read();
    if (stored === undefined) return;
    await follower.restore(stored);
    log.warn('no controller answers: serving the table this pod had; what needs a secret answers 503', {
      functions: stored.changes.length,
    });
    choose();
  }

  const stopFile = clock.after(options.fileAfterMs, () => {
    if (file !== undefined && needsFile()) inTurn('the table file', () => restore(file));
  });

  return {
    get epoch() {
      return follower.epoch;
    },
    acknowledgements: () => follower.acknowledgements(),
    choose,
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
    stop() {
      stopped = true;
      stopFile();
      stopAgain();
      return follower.settled();
    },
  };
}
