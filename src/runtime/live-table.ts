/** The functions a worker serves: found by route, by name, by destination; replaced one at a time, each in one step. */
import { parseDestination } from '../delivery/destination.ts';
import { parseOutgoing } from '../delivery/outgoing-destination.ts';
import type { ServingCode } from '../routing/last-good.ts';
import { createRouteIndex, type RequestMatch, type RouteIndex, type RoutedRequest } from '../routing/match-request.ts';
import type { EventTriggerEntry } from '../routing/types.ts';
import { EventIndex } from '../triggers/event-index.ts';
import { parseEventPattern, type EventPattern } from '../triggers/event-pattern.ts';
import type { LiveFunction, LiveTrigger } from './live-function.ts';

/** An event trigger with its pattern parsed. */
export interface EventListener {
  readonly functionName: string;
  readonly trigger: EventTriggerEntry;
  readonly pattern: EventPattern;
}

interface Held {
  readonly fn: LiveFunction;
  readonly serving: ServingCode | undefined;
  readonly listeners: readonly EventListener[];
}

const nobody: ReadonlySet<EventListener> = new Set();

export class LiveTable {
  readonly #routes: RouteIndex<LiveFunction, LiveTrigger>;
  readonly #byUid = new Map<string, Held>();
  /** `NAMESPACE/NAME`, and `NAMESPACE-UID/NAME`. */
  readonly #byName = new Map<string, LiveFunction>();
  readonly #byScope = new Map<string, LiveFunction>();
  readonly #namespaces = new Map<string, { readonly uid: string; functions: number }>();
  readonly #listeners = new Map<string, EventIndex<EventListener>>();
  /** Of the last change that was applied whole; 0: none yet. */
  version = 0;

  constructor(namedHosts: ReadonlySet<string>) {
    this.#routes = createRouteIndex<LiveFunction, LiveTrigger>(namedHosts);
  }

  match(request: RoutedRequest): RequestMatch<LiveFunction, LiveTrigger> {
    return this.#routes.match(request);
  }

  get(uid: string): LiveFunction | undefined {
    return this.#byUid.get(uid)?.fn;
  }

  servingOf(uid: string): ServingCode | undefined {
    return this.#byUid.get(uid)?.serving;
  }

  named(namespace: string, name: string): LiveFunction | undefined {
    return this.#byName.get(`${namespace}/${name}`);
  }

  inScope(namespaceUid: string, name: string): LiveFunction | undefined {
    return this.#byScope.get(`${namespaceUid}/${name}`);
  }

  namespaceUid(namespace: string): string | undefined {
    return this.#namespaces.get(namespace)?.uid;
  }

  /** Whether a function, trigger or handler of the table is meant; the callbacks of a function are its own. */
  knows(destination: string): boolean {
    const outgoing = parseOutgoing(destination);
    if (outgoing?.kind === 'callback') return this.inScope(outgoing.namespaceUid, outgoing.name) !== undefined;
    const parsed = parseDestination(destination);
    const fn = parsed && this.inScope(parsed.namespaceUid, parsed.functionName);
    if (parsed === undefined || fn === undefined) return false;
    return !('trigger' in parsed.target) || fn.trigger(parsed.target.trigger) !== undefined;
  }

  hasScope(namespaceUid: string): boolean {
    return this.namespaceOf(namespaceUid) !== undefined;
  }

  /** The name of a namespace that has functions here. */
  namespaceOf(namespaceUid: string): string | undefined {
    for (const [name, { uid }] of this.#namespaces) if (uid === namespaceUid) return name;
    return undefined;
  }

  /** Event triggers of one namespace that want a type. */
  listeners(namespaceUid: string, type: string): ReadonlySet<EventListener> {
    return this.#listeners.get(namespaceUid)?.match(type) ?? nobody;
  }

  functions(): Iterable<LiveFunction> {
    return this.#byName.values();
  }

  /** Answers what served before. */
  set(fn: LiveFunction, serving: ServingCode | undefined): LiveFunction | undefined {
    const { uid, namespace, namespaceUid, name } = fn.entry;
    const before = this.delete(uid);
    const listeners = listenersOf(fn);
    this.#byUid.set(uid, { fn, serving, listeners });
    this.#byName.set(`${namespace}/${name}`, fn);
    this.#byScope.set(`${namespaceUid}/${name}`, fn);
    const known = this.#namespaces.get(namespace);
    if (known?.uid === namespaceUid) known.functions += 1;
    else this.#namespaces.set(namespace, { uid: namespaceUid, functions: 1 });
    if (listeners.length > 0) {
      let index = this.#listeners.get(namespaceUid);
      if (index === undefined) this.#listeners.set(namespaceUid, (index = new EventIndex()));
      for (const listener of listeners) index.add(listener.pattern, listener);
    }
    this.#routes.set(fn.entry, fn);
    return before;
  }

  delete(uid: string): LiveFunction | undefined {
    const held = this.#byUid.get(uid);
    if (held === undefined) return undefined;
    const { namespace, namespaceUid, name } = held.fn.entry;
    this.#byUid.delete(uid);
    // Made anew under the same name, its successor may be there already.
    if (this.#byName.get(`${namespace}/${name}`) === held.fn) this.#byName.delete(`${namespace}/${name}`);
    if (this.#byScope.get(`${namespaceUid}/${name}`) === held.fn) this.#byScope.delete(`${namespaceUid}/${name}`);
    const known = this.#namespaces.get(namespace);
    if (known?.uid === namespaceUid) {
      known.functions -= 1;
      if (known.functions === 0) this.#namespaces.delete(namespace);
    }
    const index = this.#listeners.get(namespaceUid);
    for (const listener of held.listeners) index?.delete(listener.pattern, listener);
    if (index?.isEmpty === true) this.#listeners.delete(namespaceUid);
    this.#routes.delete(uid);
    return held.fn;
  }
}

const noListeners: readonly EventListener[] = [];

function listenersOf(fn: LiveFunction): readonly EventListener[] {
  if (!fn.entry.triggers.some(({ kind }) => kind === 'event')) return noListeners;
  return fn.entry.triggers.flatMap((trigger): EventListener[] => {
    if (trigger.kind !== 'event') return [];
    const parsed = parseEventPattern(trigger.type);
    return parsed.ok ? [{ functionName: fn.entry.name, trigger, pattern: parsed.pattern }] : [];
  });
}
