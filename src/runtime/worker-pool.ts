/** The worker threads of a runtime: the same table on all, one replaced when it is silent or gone. */
import { functionMark } from '../lua/engine-options.ts';
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import { applyChanges, diffTables, emptyTable, type TableChange } from '../routing/diff-tables.ts';
import type { Acknowledgement, FunctionEntry, RouteTable } from '../routing/types.ts';
import { mergeAcknowledgements } from './collect-acknowledgements.ts';
import { GoodCodes, type GoodCode } from './good-code.ts';
import type { PlaceBook } from './hand-out-places.ts';
import { spreadChanges } from './spread-changes.ts';
import { StandbyThread } from './standby-thread.ts';
import { PendingWeight, weighChanges } from './weigh-changes.ts';
import { Watchdog } from './watchdog.ts';
import type { WorkerChange } from './worker-messages.ts';
import type { ListenPorts, WorkerThread } from './worker-thread.ts';

/** A thread was ended; `uid` names the function that held it, if one did. */
export interface Replacement {
  readonly worker: number;
  readonly reason: 'silent' | 'crashed';
  readonly detail: string;
  readonly uid: string | undefined;
}

export interface PoolSettings {
  readonly workers: number;
  /** One more thread is kept started; it has slot `workers`. */
  readonly standby: boolean;
  readonly silenceMs: number;
  readonly quarantineMs: number;
  start(index: number, gone: (reason: string) => void): Promise<WorkerThread>;
  /** A thread begins to answer. */
  onServing(thread: WorkerThread): void;
  /** Forgets what a thread that ended had in flight. */
  forget(index: number): void;
  readonly places: PlaceBook;
  readonly ports: ListenPorts;
  readonly clock: { wall(): number; monotonic(): number };
  every(milliseconds: number, callback: () => void): () => void;
  onReplaced(replacement: Replacement): void;
  onError(message: string, error: unknown): void;
}

/** What a turn answers is for who asked; the next turn waits and keeps nothing of it. */
const nothing = (): void => undefined;

export class WorkerPool {
  readonly #settings: PoolSettings;
  readonly #threads: (WorkerThread | undefined)[];
  readonly #watchdog: Watchdog;
  readonly #standby: StandbyThread;
  readonly #good = new GoodCodes();
  readonly #quarantined = new Map<string, number>();
  /** Also the standby. */
  readonly #started = new Set<WorkerThread>();
  #policy: InstallationPolicy | undefined;
  #table: RouteTable = emptyTable;
  /** What changed in `table` since it was taken last. */
  readonly weight = new PendingWeight();
  #ports: ListenPorts;
  #applying: Promise<unknown> = Promise.resolve();
  #stopWatching: (() => void) | undefined;
  #closing = false;
  #standbyWanted = false;

  constructor(settings: PoolSettings) {
    this.#settings = settings;
    this.#threads = Array.from({ length: settings.workers + 1 });
    this.#standby = new StandbyThread(settings.workers, {
      start: (slot, gone) => this.#begin(slot, gone),
      onError: (message, error) => settings.onError(message, error),
    });
    this.#watchdog = new Watchdog({ silenceMs: settings.silenceMs });
    this.#ports = settings.ports;
  }

  get table(): RouteTable {
    return this.#table;
  }

  get ports(): ListenPorts {
    return this.#ports;
  }

  /** Threads that answer now. */
  get threads(): readonly WorkerThread[] {
    return this.#threads.filter((thread) => thread !== undefined);
  }

  /** Takes effect at once; threads that start later begin with it. */
  setPolicy(policy: InstallationPolicy): void {
    this.#policy = policy;
    for (const thread of this.#started) thread.setPolicy(policy);
  }

  /** Starts all; the first decides the ports where they are free to choose. */
  async open(): Promise<void> {
    const { workers, every } = this.#settings;
    const slots = Array.from({ length: workers }, (_, slot) => slot);
    const started = await Promise.all(slots.map((slot) => this.#begin(slot)));
    for (const thread of started) {
      this.#serve(thread);
      this.#ports = await thread.listen(this.#ports);
    }
    const period = Math.max(10, Math.floor(this.#settings.silenceMs / 10));
    this.#stopWatching = every(period, () => this.#watch());
  }

  /** Once, when the first table serves: until then the others need the processors. */
  #prepareStandby(): void {
    if (!this.#settings.standby || this.#standbyWanted || this.#closing) return;
    this.#standbyWanted = true;
    this.#standby.prepare();
  }

  /** One change after the other; resolves with what all threads say. */
  apply(table: RouteTable): Promise<readonly Acknowledgement[]> {
    const turn = this.#applying.then(() => this.#apply(diffTables(this.#table, table), table.version));
    this.#applying = turn.then(nothing, nothing);
    return turn;
  }

  applyChanges(changes: readonly TableChange[], version: number): Promise<readonly Acknowledgement[]> {
    const turn = this.#applying.then(() => this.#apply(changes, version));
    this.#applying = turn.then(nothing, nothing);
    return turn;
  }

  /** Code that an earlier process took: loaded where nothing of the function serves. */
  serveGood(goods: ReadonlyMap<string, GoodCode>): Promise<readonly Acknowledgement[]> {
    const turn = this.#applying.then(async () => {
      const changes: WorkerChange[] = [];
      for (const [uid, good] of goods) {
        const entry = this.#table.functions.get(uid);
        const places = entry && this.#settings.places.take(entry);
        if (entry === undefined || places === undefined) continue;
        this.#good.adopt(uid, good);
        changes.push({ op: 'set', entry, places, ...this.#good.besides(entry) });
      }
      const answers = await spreadChanges(this.threads, changes, this.#table.version);
      return mergeAcknowledgements(answers).map((each) => named(each, this.#table.functions.get(each.uid)));
    });
    this.#applying = turn.then(nothing, nothing);
    return turn;
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#stopWatching?.();
    await Promise.all([this.#standby.close(), ...this.threads.map((thread) => thread.terminate())]);
  }

  /** Stops replacing threads, lets them end what runs. */
  async drain(graceMs: number): Promise<void> {
    this.#closing = true;
    this.#stopWatching?.();
    await Promise.allSettled(this.threads.map((thread) => thread.drain(graceMs)));
  }

  async #apply(changes: readonly TableChange[], version: number): Promise<readonly Acknowledgement[]> {
    const refused: Acknowledgement[] = [];
    const forWorkers = changes.flatMap((change) => this.#forWorkers(change, refused));
    // A thread that ends meanwhile is replaced with the whole table; the others decide.
    const turn = spreadChanges(this.threads, forWorkers, version);
    // While the threads compile: copying a large table takes as long as compiling one function.
    this.weight.add(weighChanges(this.#table, changes));
    this.#table = applyChanges(this.#table, changes, version);
    const answers = await turn;
    const merged = mergeAcknowledgements(answers).map((each) => named(each, this.#table.functions.get(each.uid)));
    const acknowledgements = [...merged, ...refused];
    for (const each of acknowledgements) this.#good.remember(each, this.#table.functions.get(each.uid));
    for (const change of changes) {
      if (change.op !== 'delete') continue;
      this.#good.forget(change.uid);
      this.#quarantined.delete(change.uid);
      this.#settings.places.release(change.uid);
    }
    this.#prepareStandby();
    return acknowledgements;
  }

  #forWorkers(change: TableChange, refused: Acknowledgement[]): readonly WorkerChange[] {
    if (change.op !== 'set') return [change];
    const { entry } = change;
    const places = this.#settings.places.take(entry);
    if (places === undefined) {
      const message = 'this runtime holds as many functions as it can';
      refused.push({ uid: entry.uid, revision: entry.revision, accepted: false, reason: 'RuntimeFull', message });
      return [];
    }
    return [{ op: 'set', entry, places }];
  }

  /** Before it has started, a thread that ends lets its start fail; afterwards it is replaced if it serves. */
  async #begin(slot: number, gone?: (reason: string) => void): Promise<WorkerThread> {
    const started: { thread?: WorkerThread } = {};
    const thread = await this.#settings.start(slot, (reason) => {
      if (started.thread !== undefined) this.#started.delete(started.thread);
      if (this.#closing || started.thread === undefined) return;
      if (this.#threads[slot] === started.thread) void this.#replace(slot, started.thread, 'crashed', reason);
      else gone?.(reason);
    });
    started.thread = thread;
    this.#started.add(thread);
    if (this.#policy !== undefined) thread.setPolicy(this.#policy);
    return thread;
  }

  #serve(thread: WorkerThread): void {
    this.#threads[thread.index] = thread;
    this.#watchdog.watch(thread.index, thread.signals.beats, this.#settings.clock.monotonic());
    this.#settings.onServing(thread);
  }

  #watch(): void {
    const beatsOf = (worker: number): number => this.#threads[worker]?.signals.beats ?? 0;
    for (const worker of this.#watchdog.look(beatsOf, this.#settings.clock.monotonic())) {
      const thread = this.#threads[worker];
      if (thread !== undefined) void this.#replace(worker, thread, 'silent', 'its heartbeat stood still');
    }
  }

  async #replace(index: number, thread: WorkerThread, reason: 'silent' | 'crashed', detail: string): Promise<void> {
    if (this.#threads[index] !== thread) return;
    const { clock, quarantineMs, onReplaced, onError } = this.#settings;
    this.#threads[index] = undefined;
    this.#watchdog.unwatch(index);
    const uid = this.#markedFunction(thread.signals.mark);
    this.#started.delete(thread);
    await thread.terminate();
    this.#settings.forget(index);
    if (uid !== undefined) {
      const until = clock.wall() + quarantineMs;
      this.#quarantined.set(uid, until);
      for (const other of this.threads) other.quarantine(uid, until);
    }
    onReplaced({ worker: index, reason, detail, uid });
    try {
      await this.#restore(index);
    } catch (error) {
      onError(`worker ${index} could not be replaced`, error);
      if (!this.#closing) setTimeout(() => void this.#retry(index), 1000).unref();
    }
  }

  /** The function whose revision was in the engine when the thread stopped. */
  #markedFunction(mark: number): string | undefined {
    if (mark === 0) return undefined;
    for (const [uid, entry] of this.#table.functions) {
      if (this.#good.programsOf(entry).some((program) => functionMark(program) === mark)) return uid;
    }
    return undefined;
  }

  async #retry(index: number): Promise<void> {
    // A thread that ended while it was being restored is replaced on its own account.
    if (this.#closing || this.threads.length >= this.#settings.workers) return;
    try {
      await this.#restore(index);
    } catch (error) {
      this.#settings.onError(`worker ${index} could not be replaced`, error);
      setTimeout(() => void this.#retry(index), 1000).unref();
    }
  }

  /** The whole table first, the port last: nobody is answered by half a table. */
  async #restore(index: number): Promise<void> {
    const thread = (await this.#standby.take(index)) ?? (await this.#begin(index));
    if (this.#closing) return thread.terminate();
    this.#serve(thread);
    this.#standbyWanted = true;
    if (this.#settings.standby) this.#standby.prepare();
    const turn = this.#applying.then(async () => {
      const changes: WorkerChange[] = [];
      for (const entry of this.#table.functions.values()) {
        const places = this.#settings.places.take(entry);
        if (places !== undefined) changes.push({ op: 'set', entry, places, ...this.#good.besides(entry) });
      }
      for (const subscription of this.#table.subscriptions?.values() ?? []) {
        changes.push({ op: 'setSubscription', subscription });
      }
      const source = this.threads.find((other) => other !== thread);
      await spreadChanges([thread], changes, this.#table.version, source);
    });
    this.#applying = turn.then(nothing, nothing);
    await turn;
    const now = this.#settings.clock.wall();
    for (const [uid, until] of this.#quarantined) if (until > now) thread.quarantine(uid, until);
    await thread.listen(this.#ports);
  }
}

/** In the words of the table: copies from another thread would be kept beside them. */
function named(said: Acknowledgement, entry: FunctionEntry | undefined): Acknowledgement {
  if (entry?.revision !== said.revision) return said;
  const { uid, revision } = entry;
  return { ...said, uid, revision, ...(said.servingRevision === revision ? { servingRevision: revision } : {}) };
}
