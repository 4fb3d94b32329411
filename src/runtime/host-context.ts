/** What the host functions of one function reach: built once per loaded revision; a call in a chain gets a copy. */
import { randomBytes } from 'node:crypto';
import { createDirectKeyValue } from '../delivery/direct-key-value.ts';
import { createLaterQueue } from '../delivery/later.ts';
import { createEventBus, type MatchDestinations } from '../delivery/publish.ts';
import { createFunctionCaches } from '../host/cache-store.ts';
import type { ChainBudget, FunctionCaller, HostContext } from '../host/types.ts';
import type { KubernetesCaller } from '../host/kubernetes-types.ts';
import type { EffectiveEgress, InstallationEgress } from '../policy/egress.ts';
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import { egressPatterns, namespaceEgress } from '../policy/namespace-egress.ts';
import type { OutboundGuard } from '../policy/outbound.ts';
import type { FunctionEntry } from '../routing/types.ts';
import type { Store } from '../store/store.ts';
import { BudgetSplit, rootBudget } from '../triggers/event-budget.ts';
import type { LiveFunction } from './live-function.ts';

/** The context of one call that answers at once. */
export function contextOf(
  fn: LiveFunction,
  hops: number,
  traceparent: string | undefined,
  budget: number,
): HostContext {
  if (hops === 0 && traceparent === undefined && budget === rootBudget) return fn.context;
  return {
    ...copyContext(fn.context),
    hops,
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(budget === rootBudget ? {} : { budgetOf: chainBudgets(budget) }),
  };
}

/** All that a context reaches, as members: what makes it when it is asked for cannot be spread. */
export function copyContext(context: HostContext): HostContext {
  const { outbound, keyValue, later, events, caller, cache, kubernetes, hops, budgetOf } = context;
  return { outbound, keyValue, later, events, caller, cache, kubernetes, hops, budgetOf };
}

/** A budget for each call that asks: what is published is stored at once, so nobody knows how many children there will be. */
function chainBudgets(budget: number): HostContext['budgetOf'] {
  const known = new WeakMap<AbortSignal, ChainBudget>();
  return (signal) => {
    let own = known.get(signal);
    if (own === undefined) known.set(signal, (own = splitBudget(budget, new BudgetSplit(budget))));
    return own;
  };
}

/** Requests and calls take their shares beside the events: a chain that only asks others does not use itself up. */
export function splitBudget(budget: number, children: Pick<BudgetSplit, 'take'>): ChainBudget {
  const requests = new BudgetSplit(budget);
  return { child: () => children.take(), outgoing: () => requests.take() ?? 0 };
}

/** Functions give the ids of what they put off to whoever may cancel it: nobody is to try the next one. */
const unguessable = (id: string): string => `${id}-${randomBytes(9).toString('base64url')}`;

/** For whom a context is made. */
export type ContextOwner = Pick<FunctionEntry, 'uid' | 'namespace' | 'namespaceUid' | 'name' | 'egress'>;

export interface ContextSources {
  readonly store: Store;
  readonly guard: OutboundGuard;
  /** In force now. */
  policy(): InstallationPolicy;
  readonly newId: () => string;
  readonly now: () => number;
  /** Who else wants an event that is published. */
  readonly match: MatchDestinations;
  callerFor(entry: ContextOwner): FunctionCaller;
  /** The API server for the function of this uid. */
  kubernetesFor(uid: string): KubernetesCaller;
}

/** Answers the context of each loaded revision; what is parsed per namespace is parsed once. */
export function createContexts(sources: ContextSources): (entry: ContextOwner) => HostContext {
  const { store, guard, policy, match, newId, now } = sources;
  const caches = createFunctionCaches({ now });
  let installations = new Map<string, InstallationEgress>();
  let known = policy();
  const installationOf = (namespace: string): InstallationEgress => {
    const current = policy();
    if (current !== known) installations = new Map();
    known = current;
    let installation = installations.get(namespace);
    if (installation === undefined) {
      installation = namespaceEgress(known, namespace);
      installations.set(namespace, installation);
    }
    return installation;
  };
  const reach = (entry: ContextOwner): OwnReach => {
    const { namespace, namespaceUid } = entry;
    const own = allowOf(entry);
    return {
      outbound: guard.outboundFor({
        namespaceUid,
        // Asked for by each hop of each request: a call that runs for minutes keeps nothing that was closed meanwhile.
        get egress(): EffectiveEgress {
          return { installation: installationOf(namespace), ...own };
        },
      }),
      caller: sources.callerFor(entry),
      cache: caches.cacheFor(entry.namespaceUid, entry.name),
      kubernetes: sources.kubernetesFor(entry.uid),
    };
  };
  const common: CommonReach = {
    keyValue: createDirectKeyValue(store),
    later: createLaterQueue(store, () => unguessable(newId())),
    events: createEventBus(store, match, newId),
    budgetOf: chainBudgets(rootBudget),
    reach,
  };
  return (entry) => new FunctionContext(entry, common);
}

type OwnReach = Pick<HostContext, 'outbound' | 'caller' | 'cache' | 'kubernetes'>;

interface CommonReach extends Pick<HostContext, 'keyValue' | 'later' | 'events' | 'budgetOf'> {
  reach(owner: ContextOwner): OwnReach;
}

/** Most functions of a large table ask for nothing that is theirs alone: it is made when they do. */
class FunctionContext implements HostContext {
  readonly hops = 0;
  readonly #owner: ContextOwner;
  readonly #common: CommonReach;
  #own: OwnReach | undefined = undefined;

  constructor(owner: ContextOwner, common: CommonReach) {
    this.#owner = owner;
    this.#common = common;
  }

  get keyValue(): HostContext['keyValue'] {
    return this.#common.keyValue;
  }

  get later(): HostContext['later'] {
    return this.#common.later;
  }

  get events(): HostContext['events'] {
    return this.#common.events;
  }

  get budgetOf(): HostContext['budgetOf'] {
    return this.#common.budgetOf;
  }

  get outbound(): HostContext['outbound'] {
    return this.#reach().outbound;
  }

  get caller(): HostContext['caller'] {
    return this.#reach().caller;
  }

  get cache(): HostContext['cache'] {
    return this.#reach().cache;
  }

  get kubernetes(): HostContext['kubernetes'] {
    return this.#reach().kubernetes;
  }

  #reach(): OwnReach {
    return (this.#own ??= this.#common.reach(this.#owner));
  }
}

function allowOf({ egress }: ContextOwner): Pick<EffectiveEgress, 'allow'> {
  return egress.allow === undefined ? {} : { allow: egressPatterns(egress.allow) };
}
