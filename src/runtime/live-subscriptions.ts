/** The subscriptions a worker sends for: found by destination and by the type of an event; replaced one at a time. */
import { createHash } from 'node:crypto';
import { formatOutgoing } from '../delivery/outgoing-destination.ts';
import type { HostContext } from '../host/types.ts';
import type { Engine } from '../lua/engine-contract.ts';
import type { SubscriptionEntry } from '../routing/subscription-entry.ts';
import type { Acknowledgement } from '../routing/types.ts';
import { EventIndex } from '../triggers/event-index.ts';
import { parseEventPattern, type EventPattern } from '../triggers/event-pattern.ts';
import type { ContextOwner } from './host-context.ts';
import type { LiveProgram } from './live-function.ts';
import { loadSubscription } from './load-subscription.ts';

export interface LiveSubscription {
  readonly entry: SubscriptionEntry;
  readonly destination: string;
  /** Changes with what a user would edit to bring a switched off subscription back. */
  readonly identity: string;
  readonly secrets: readonly Uint8Array[];
  readonly context: HostContext;
  readonly patterns: readonly EventPattern[];
  /** Its expressions; undefined: it has none, or they do not load. */
  readonly program: LiveProgram | undefined;
  /** True: its expressions do not load, so nothing is sent. */
  readonly broken: boolean;
}

/** What an answer of its receiver may echo and nobody may read. */
export function secretTextsOf({ entry, secrets }: LiveSubscription): readonly string[] {
  const url = URL.parse(entry.url);
  return [
    ...(entry.urlSecret ? [entry.url, `${url?.pathname ?? ''}${url?.search ?? ''}`] : []),
    ...entry.headers.flatMap(({ value, secret }) => (secret ? [value] : [])),
    ...secrets.map((secret) => Buffer.from(secret).toString('utf8')),
  ];
}

export interface SubscriptionTools {
  readonly engine: Engine<HostContext>;
  contextFor(owner: ContextOwner): HostContext;
}

const none: ReadonlySet<LiveSubscription> = new Set();

export class LiveSubscriptions {
  readonly #tools: SubscriptionTools;
  readonly #byUid = new Map<string, LiveSubscription>();
  readonly #byDestination = new Map<string, LiveSubscription>();
  readonly #byNamespace = new Map<string, EventIndex<LiveSubscription>>();
  readonly #namespaces = new Map<string, { readonly uid: string; count: number }>();

  constructor(tools: SubscriptionTools) {
    this.#tools = tools;
  }

  at(destination: string): LiveSubscription | undefined {
    return this.#byDestination.get(destination);
  }

  match(namespaceUid: string, type: string): ReadonlySet<LiveSubscription> {
    return this.#byNamespace.get(namespaceUid)?.match(type) ?? none;
  }

  *inNamespace(namespaceUid: string): Iterable<LiveSubscription> {
    for (const live of this.#byUid.values()) if (live.entry.namespaceUid === namespaceUid) yield live;
  }

  namespaceUid(namespace: string): string | undefined {
    return this.#namespaces.get(namespace)?.uid;
  }

  hasScope(namespaceUid: string): boolean {
    return this.namespaceOf(namespaceUid) !== undefined;
  }

  /** The name of a namespace that has subscriptions here. */
  namespaceOf(namespaceUid: string): string | undefined {
    for (const [name, { uid }] of this.#namespaces) if (uid === namespaceUid) return name;
    return undefined;
  }

  /** Compiles its Lua, then swaps it in. */
  async load(entry: SubscriptionEntry): Promise<Acknowledgement> {
    const before = this.#byUid.get(entry.uid);
    if (before?.entry.revision === entry.revision && !before.broken) {
      return { uid: entry.uid, revision: entry.revision, accepted: true, servingRevision: entry.revision };
    }
    const { namespaceUid, name } = entry;
    const loaded = await loadSubscription(entry, this.#tools.engine);
    this.delete(entry.uid);
    this.#add({
      entry,
      destination: formatOutgoing({ namespaceUid, kind: 'subscription', name }),
      identity: identityOf(entry),
      secrets: entry.secrets.map((secret) => new Uint8Array(Buffer.from(secret, 'base64'))),
      context: this.#contextOf(entry),
      patterns: entry.events.flatMap((text) => {
        const parsed = parseEventPattern(text);
        return parsed.ok ? [parsed.pattern] : [];
      }),
      program: loaded.program,
      broken: !loaded.acknowledgement.accepted,
    });
    return loaded.acknowledgement;
  }

  delete(uid: string): void {
    const live = this.#byUid.get(uid);
    if (live === undefined) return;
    const { namespace, namespaceUid } = live.entry;
    this.#byUid.delete(uid);
    // Made anew under the same name, its successor may be there already.
    if (this.#byDestination.get(live.destination) === live) this.#byDestination.delete(live.destination);
    const index = this.#byNamespace.get(namespaceUid);
    for (const pattern of live.patterns) index?.delete(pattern, live);
    if (index?.isEmpty === true) this.#byNamespace.delete(namespaceUid);
    const known = this.#namespaces.get(namespace);
    if (known !== undefined) {
      known.count -= 1;
      if (known.count === 0) this.#namespaces.delete(namespace);
    }
    const { program } = live;
    if (program === undefined) return;
    program.retired = true;
    if (program.calls === 0) this.#tools.engine.unload(program.revision);
  }

  #contextOf({ uid, namespace, namespaceUid, name }: SubscriptionEntry): HostContext {
    return this.#tools.contextFor({ uid, namespace, namespaceUid, name: `subscription:${name}`, egress: {} });
  }

  #add(live: LiveSubscription): void {
    const { uid, namespace, namespaceUid } = live.entry;
    this.#byUid.set(uid, live);
    this.#byDestination.set(live.destination, live);
    let index = this.#byNamespace.get(namespaceUid);
    if (index === undefined) this.#byNamespace.set(namespaceUid, (index = new EventIndex()));
    for (const pattern of live.patterns) index.add(pattern, live);
    const known = this.#namespaces.get(namespace);
    if (known?.uid === namespaceUid) known.count += 1;
    else this.#namespaces.set(namespace, { uid: namespaceUid, count: 1 });
  }
}

/** The same in every process: generation and revision of a local run are not. Kept in the store only. */
function identityOf(entry: SubscriptionEntry): string {
  const { generation: _generation, revision: _revision, unresolved: _unresolved, ...rest } = entry;
  return createHash('sha256').update(JSON.stringify(rest)).digest('base64url');
}
