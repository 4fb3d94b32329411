/** Brings the table of the followed controller into the runtime, piece by piece, and remembers what is held and what was said. */
import type { Held, TableMessage, WireChange } from '../../link/protocol.ts';
import { defaultPolicy, type InstallationPolicy } from '../../policy/installation-policy.ts';
import { withServices } from '../../policy/namespace-egress.ts';
import type { TableChange } from '../../routing/diff-tables.ts';
import { closeFunction, closeSubscription } from '../../routing/strip-secrets.ts';
import type { Acknowledgement, RouteTable } from '../../routing/types.ts';
import { decodeEntry, decodeSubscription } from '../../routing/wire-format.ts';

/** What serves the table. */
export interface ServesTable {
  readonly table: RouteTable;
  applyChanges(changes: readonly TableChange[], version: number): Promise<readonly Acknowledgement[]>;
  setPolicy(policy: InstallationPolicy): Promise<void>;
}

export interface TableFollower {
  /** Epoch of the table that serves; undefined: none is whole yet. */
  readonly epoch: number | undefined;
  /** What a new controller need not send again. */
  holds(): readonly Held[];
  /** What was said of everything held. */
  acknowledgements(): readonly Acknowledgement[];
  take(message: TableMessage): void;
  takePolicy(policy: Readonly<Record<string, unknown>>): void;
  /** Epoch of the controller that is followed. */
  lead(epoch: number): void;
  /** Another controller will be followed: what was not applied yet is not wanted. */
  drop(): void;
  /** From the file: serves until a controller comes. */
  restore(stored: StoredTable): Promise<void>;
  /** Resolves when nothing is being applied. */
  settled(): Promise<void>;
}

export interface FollowerOptions {
  readonly server: ServesTable;
  /** Revisions were judged. */
  onJudged(acknowledgements: readonly Acknowledgement[]): void;
  /** The whole table of this version serves. */
  onWhole(epoch: number, version: number): void;
  /** For the table file: the policy in force. */
  onPolicy(policy: InstallationPolicy): void;
  /** For the table file: what was applied, with the digests it came with. */
  onApplied(changes: readonly TableChange[], digests: ReadonlyMap<string, string>): void;
  /** A piece could not be applied (the store is away): what is held must be said anew, and sent. */
  onFailed(error: unknown): void;
  onTrouble(message: string, fields: Readonly<Record<string, unknown>>): void;
}

interface Reading {
  readonly changes: TableChange[];
  readonly digests: Map<string, string>;
  readonly refused: Map<string, Acknowledgement>;
}

/** A table as it was written down; `held`: of entries that are whole. */
export interface StoredTable {
  readonly epoch: number;
  readonly policy: InstallationPolicy;
  readonly changes: readonly TableChange[];
  readonly held: readonly Held[];
}

export function createTableFollower(options: FollowerOptions): TableFollower {
  const { server } = options;
  const held = new Map<string, string>();
  const judged = new Map<string, Acknowledgement>();
  let pieces: TableMessage[] = [];
  let policy: InstallationPolicy | undefined;
  let following = 0;
  let epoch: number | undefined;
  let working: Promise<void> | undefined;

  function refuse(reading: Reading, change: WireChange, reason: string, message: string): void {
    const value = change.op === 'set' ? change.entry : change.op === 'setSubscription' ? change.subscription : {};
    const { uid, revision } = value as { readonly uid?: unknown; readonly revision?: unknown };
    options.onTrouble('an entry cannot be run', { reason, message, uid: typeof uid === 'string' ? uid : '' });
    if (typeof uid !== 'string' || typeof revision !== 'string') return;
    // Code that served may be good, gates that served are old: nothing of it answers until this runtime is upgraded.
    const unresolved = { reason, message };
    const entry = server.table.functions.get(uid);
    const subscription = server.table.subscriptions?.get(uid);
    if (entry !== undefined) reading.changes.push({ op: 'set', entry: closeFunction(entry, revision, unresolved) });
    if (subscription !== undefined) {
      reading.changes.push({
        op: 'setSubscription',
        subscription: closeSubscription(subscription, revision, unresolved),
      });
    }
    reading.refused.set(uid, { uid, revision, accepted: false, reason, message });
    if ('digest' in change) reading.digests.set(uid, change.digest);
  }

  function read(change: WireChange, reading: Reading): void {
    switch (change.op) {
      case 'set': {
        const decoded = decodeEntry(change.entry);
        if (!decoded.ok) return refuse(reading, change, decoded.reason, decoded.message);
        reading.changes.push({ op: 'set', entry: decoded.entry });
        reading.digests.set(decoded.entry.uid, change.digest);
        return undefined;
      }
      case 'setSubscription': {
        const decoded = decodeSubscription(change.subscription);
        if (!decoded.ok) return refuse(reading, change, decoded.reason, decoded.message);
        reading.changes.push({ op: 'setSubscription', subscription: decoded.subscription });
        reading.digests.set(decoded.subscription.uid, change.digest);
        return undefined;
      }
      case 'delete':
      case 'deleteSubscription':
        reading.changes.push(change);
        held.delete(change.uid);
        judged.delete(change.uid);
        return undefined;
    }
  }

  async function work(): Promise<void> {
    while (pieces.length > 0 || policy !== undefined) {
      // The table that comes after a policy was built under it.
      const ahead = policy;
      policy = undefined;
      if (ahead !== undefined) {
        await server.setPolicy(ahead);
        options.onPolicy(ahead);
        continue;
      }
      const taken = pieces;
      pieces = [];
      const reading: Reading = { changes: [], digests: new Map(), refused: new Map() };
      for (const { changes } of taken) for (const change of changes) read(change, reading);
      const { whole, version: sent } = taken.at(-1) as TableMessage;
      // Until the first table is whole its version is 0: workers answer as if there was none.
      const version = whole ? sent : server.table.version;
      const said =
        reading.changes.length === 0 && !(whole && epoch === undefined)
          ? []
          : await server.applyChanges(reading.changes, version);
      for (const [uid, digest] of reading.digests) held.set(uid, digest);
      const acknowledgements = said.map((each) => reading.refused.get(each.uid) ?? each);
      for (const [uid, each] of reading.refused) {
        if (!acknowledgements.some((other) => other.uid === uid)) acknowledgements.push(each);
      }
      for (const each of acknowledgements) if (held.has(each.uid)) judged.set(each.uid, each);
      if (acknowledgements.length > 0) options.onJudged(acknowledgements);
      if (reading.changes.length > 0) options.onApplied(reading.changes, reading.digests);
      if (whole) {
        epoch = following;
        options.onWhole(following, sent);
      }
    }
  }

  function start(): void {
    working ??= work()
      .catch((error: unknown) => {
        pieces = [];
        options.onFailed(error);
      })
      .finally(() => {
        working = undefined;
        if (pieces.length > 0 || policy !== undefined) start();
      });
  }

  async function settled(): Promise<void> {
    if (working === undefined) return undefined;
    await working;
    return settled();
  }

  return {
    get epoch() {
      return epoch;
    },
    holds: () => [...held],
    acknowledgements: () => [...judged.values()],
    take(message) {
      pieces.push(message);
      start();
    },
    takePolicy(received) {
      // What a controller of the version before does not send has its default; addresses of Services are leased.
      policy = withServices({ ...defaultPolicy(''), ...received }, undefined);
      start();
    },
    lead(next) {
      following = next;
    },
    drop() {
      pieces = [];
    },
    async restore({ policy: before, changes, held: digests, epoch: restored }) {
      await server.setPolicy(before);
      const said = await server.applyChanges(changes, Math.max(1, server.table.version));
      for (const [uid, digest] of digests) held.set(uid, digest);
      for (const each of said) judged.set(each.uid, each);
      epoch = restored;
    },
    settled,
  };
}
