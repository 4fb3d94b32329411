/**
 * Secrets, ConfigMaps and ServiceAccounts that functions refer to: read by name when first asked for, then again and
 * again, because the right to watch them would be the right to list every secret of a namespace.
 */
import type { Clock } from './clock.ts';
import type { KubeClient } from './kube-client.ts';
import {
  parseReferenceKey,
  readReference,
  type ControllerRights,
  type ReferenceName,
  type ReferenceReading,
} from './read-reference.ts';
import { differingKeys, LayeredMap } from '../routing/layered-map.ts';
import type { References } from '../routing/read-references.ts';
import type { ReferencedObject } from '../routing/types.ts';

export interface ReferenceTiming {
  /** Reads under way at once. */
  readonly inFlight: number;
  /** Each is read again so often, where that is not more than the rate. */
  readonly everyMs: number;
  readonly perSecond: number;
  /** One that is not there: bounds of the waits between looks. */
  readonly missing: { readonly leastMs: number; readonly mostMs: number };
  /** A refusal is believed when it has lasted so long: an API server that starts refuses before it has read the roles. */
  readonly refusedMs: number;
}

export const referenceTiming: ReferenceTiming = {
  inFlight: 32,
  everyMs: 30_000,
  perSecond: 50,
  missing: { leastMs: 1_000, mostMs: 30_000 },
  refusedMs: 10_000,
};

export interface ReferencePoll {
  /** What was read; what was not read yet is a problem of reason `Pending`. The same object until something changed. */
  current(): References;
  /** Whether it was read, found or not. */
  isRead(key: string): boolean;
  /** These are referred to: what is new is read at once. */
  want(keys: Iterable<string>): void;
  /** Nobody refers to these any more: they are forgotten. */
  forget(keys: Iterable<string>): void;
  /** Reads these again at once. */
  refresh(keys: Iterable<string>): void;
  /** How long a change can go unnoticed, milliseconds. */
  lagMs(): number;
  readonly size: number;
}

export interface ReferencePollOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Namespaces of the installation itself: nothing is ever read there. */
  readonly refusedNamespaces: ReadonlySet<string>;
  readonly rights: ControllerRights;
  readonly timing?: ReferenceTiming;
  onChange(key: string): void;
}

interface Polled {
  readonly name: ReferenceName;
  object: ReferencedObject | undefined;
  read: boolean;
  reading: boolean;
  /** By the clock. */
  dueAt: number;
  misses: number;
  /** Since when it is refused, though it could be read before. */
  refusedAt: number | undefined;
}

const tickMs = 100;
const pending: ReferencedObject = { state: 'problem', reason: 'Pending', message: 'it was not read yet' };

/** It was looked for, and is not there. */
const absent = Symbol('absent');

/** Answers `pending` for what nobody has read: its absence would say that it does not exist. */
class ReadReferences implements References {
  readonly #read: LayeredMap<ReferencedObject | typeof absent>;

  constructor(read = LayeredMap.of<ReferencedObject | typeof absent>()) {
    this.#read = read;
  }

  get(key: string): ReferencedObject | undefined {
    const found = this.#read.get(key) ?? pending;
    return found === absent ? undefined : found;
  }

  changedSince(before: References): readonly string[] | undefined {
    return before instanceof ReadReferences ? differingKeys(before.#read, this.#read) : undefined;
  }

  with(changes: Iterable<readonly [string, ReferencedObject | typeof absent | undefined]>): ReadReferences {
    const read = this.#read.with(changes);
    return read === this.#read ? this : new ReadReferences(read);
  }
}

export function createReferencePoll(options: ReferencePollOptions): ReferencePoll {
  const { client, clock, signal, refusedNamespaces, rights, onChange, timing = referenceTiming } = options;
  const polled = new Map<string, Polled>();
  const urgent = new Set<string>();
  let inFlight = 0;
  let allowance = 0;
  let current = new ReadReferences();
  /** Keys that `current` may have wrong. */
  const moved = new Set<string>();

  const everyMs = (): number => Math.max(timing.everyMs, (polled.size / timing.perSecond) * 1000);

  function startUrgent(): void {
    for (const key of urgent) {
      if (inFlight >= timing.inFlight) return;
      urgent.delete(key);
      const entry = polled.get(key);
      if (entry !== undefined && !entry.reading) void read(key, entry);
    }
  }

  async function read(key: string, entry: Polled): Promise<void> {
    entry.reading = true;
    inFlight += 1;
    const reading = await readReference(client, entry.name, rights, signal);
    inFlight -= 1;
    entry.reading = false;
    if (signal.aborted) return;
    take(key, entry, reading);
    startUrgent();
  }

  function take(key: string, entry: Polled, reading: ReferenceReading): void {
    const before = entry.object;
    const first = !entry.read;
    entry.read = true;
    if (isDoubtful(entry, reading)) {
      entry.dueAt = clock.now() + timing.missing.leastMs;
      return;
    }
    if (reading.known) entry.object = reading.object;
    else if (first) {
      const message = `it could not be read (${reading.failure.message}): it is tried again`;
      entry.object = { state: 'problem', reason: 'Pending', message };
    }
    const there = entry.object?.state === 'found';
    entry.misses = there ? 0 : entry.misses + 1;
    const { leastMs, mostMs } = timing.missing;
    const wait = there ? everyMs() : Math.min(mostMs, leastMs * 2 ** Math.min(entry.misses - 1, 10));
    // Spread out, so that what was asked for at once is not read at once for ever.
    entry.dueAt = clock.now() + wait * (0.75 + 0.25 * clock.random());
    if (polled.get(key) !== entry) return;
    if (!first && sameObject(before, entry.object)) {
      entry.object = before;
      return;
    }
    moved.add(key);
    onChange(key);
  }

  /** What could be read a moment ago is refused: it stays what it was for a while. */
  function isDoubtful(entry: Polled, reading: ReferenceReading): boolean {
    const refused = reading.known && reading.object?.state === 'problem';
    if (!refused || entry.object?.state !== 'found') {
      // Silence in between says nothing of rights.
      if (reading.known) entry.refusedAt = undefined;
      return false;
    }
    entry.refusedAt ??= clock.now();
    return clock.now() - entry.refusedAt < timing.refusedMs;
  }

  async function poll(): Promise<void> {
    let last = clock.now();
    while (!signal.aborted) {
      await clock.sleep(tickMs, signal);
      const now = clock.now();
      allowance = Math.min(timing.inFlight, allowance + ((now - last) / 1000) * timing.perSecond);
      last = now;
      for (const [key, entry] of polled) {
        if (allowance < 1 || inFlight >= timing.inFlight) break;
        if (entry.reading || !entry.read || entry.dueAt > now) continue;
        allowance -= 1;
        void read(key, entry);
      }
    }
  }
  void poll();

  return {
    get size() {
      return polled.size;
    },
    lagMs: everyMs,
    isRead: (key) => polled.get(key)?.read ?? false,
    current: () => {
      current = current.with([...moved].map((key) => [key, stateOf(polled.get(key))]));
      moved.clear();
      return current;
    },
    want: (keys) => {
      for (const key of keys) {
        if (polled.has(key)) continue;
        const name = parseReferenceKey(key);
        if (name === undefined) continue;
        const refused = refusedNamespaces.has(name.namespace);
        const object = refused ? refusedObject(name) : undefined;
        const dueAt = refused ? Infinity : 0;
        polled.set(key, { name, object, read: refused, reading: false, dueAt, misses: 0, refusedAt: undefined });
        moved.add(key);
        if (!refused) urgent.add(key);
      }
      startUrgent();
    },
    forget: (keys) => {
      for (const key of keys) {
        if (!polled.delete(key)) continue;
        urgent.delete(key);
        moved.add(key);
      }
    },
    refresh: (keys) => {
      for (const key of keys) if (polled.get(key)?.dueAt !== Infinity) urgent.add(key);
      startUrgent();
    },
  };
}

function stateOf(entry: Polled | undefined): ReferencedObject | typeof absent | undefined {
  if (entry === undefined) return undefined;
  return entry.object ?? (entry.read ? absent : undefined);
}

function refusedObject({ kind, namespace }: ReferenceName): ReferencedObject {
  const message = `functions get no ${kind} of namespace ${namespace}, which belongs to the cluster or to the installation: use a namespace of your own`;
  return { state: 'problem', reason: 'Forbidden', message };
}

function sameObject(a: ReferencedObject | undefined, b: ReferencedObject | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.state === 'problem') return b.state === 'problem' && a.reason === b.reason && a.message === b.message;
  return b.state === 'found' && a.resourceVersion === b.resourceVersion;
}
