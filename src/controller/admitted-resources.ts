/**
 * Which of the watched resources the table is built from: the newest form of each, as soon as its namespace is known and
 * everything it refers to was read once, so that no runtime is given a function that only seems to lack its secrets.
 */
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import { servesClass } from '../policy/installation-policy.ts';
import { receivers } from '../receivers/catalogue.ts';
import type { FunctionInput } from '../routing/build-context.ts';
import { buildFunction } from '../routing/build-function.ts';
import { buildSubscription, type SubscriptionInput } from '../routing/build-subscription.ts';
import { LayeredMap } from '../routing/layered-map.ts';
import type { FunctionVerdict } from '../routing/types.ts';
import type { NamespaceUids } from './namespace-uids.ts';
import type { ReferencePoll } from './reference-poll.ts';
import type { ResourceInput, ResourceKind, ResourceReader, WatchedObject } from './watched-resources.ts';

export interface AdmittedResources {
  /** True: another form of it than before, which waits to be admitted, or it is on its way out. */
  set(kind: ResourceKind, object: WatchedObject): boolean;
  delete(uid: string): void;
  /** Admits what can be; answers whether anything is different now. */
  settle(policy: InstallationPolicy): boolean;
  /** By uid; the same map as long as nothing changed. */
  functions(): LayeredMap<FunctionInput>;
  /** The same array as long as nothing changed. */
  subscriptions(): readonly SubscriptionInput[];
  /** Of resources that no build can take. */
  readonly invalid: ReadonlyMap<string, FunctionVerdict>;
  /** References that waiting resources name. */
  wanted(): Iterable<string>;
  readonly waiting: number;
  /** As the API server last gave it; undefined: gone, or on its way out. */
  object(uid: string): { readonly kind: ResourceKind; readonly object: WatchedObject } | undefined;
  uids(): Iterable<string>;
}

interface Known {
  readonly kind: ResourceKind;
  object: WatchedObject;
  /** Since when its newest form waits, by the clock; undefined: it is in. */
  waitsSince: number | undefined;
  /** Its newest form, read. */
  candidate: ResourceInput | undefined;
  needs: readonly string[];
}

export interface AdmittedResourcesOptions {
  readonly read: ResourceReader;
  readonly namespaces: NamespaceUids;
  readonly references: ReferencePoll;
  readonly fingerprintKey: Uint8Array;
  /** A form that still lacks references after so long is taken as it is: it fails closed. */
  holdMs(): number;
  /** Milliseconds, monotonic. */
  now(): number;
}

export function createAdmittedResources(options: AdmittedResourcesOptions): AdmittedResources {
  const { read, namespaces, references, fingerprintKey, holdMs, now } = options;
  const known = new Map<string, Known>();
  const waiting = new Map<string, Known>();
  let functions = LayeredMap.of<FunctionInput>();
  /** Not in `functions` yet. */
  const moved = new Map<string, FunctionInput | undefined>();
  const subscriptions = new Map<string, SubscriptionInput>();
  const invalid = new Map<string, FunctionVerdict>();
  let subscriptionList: readonly SubscriptionInput[] | undefined;
  let changed = false;

  function remove(uid: string): void {
    moved.set(uid, undefined);
    if (subscriptions.delete(uid)) subscriptionList = undefined;
    invalid.delete(uid);
    changed = true;
  }

  function forget(uid: string): boolean {
    if (!known.delete(uid)) return false;
    waiting.delete(uid);
    namespaces.forget(uid);
    remove(uid);
    return true;
  }

  function admit(uid: string, { kind, input }: ResourceInput): void {
    if (kind === 'WebhookFunction') {
      moved.set(uid, input);
    } else {
      subscriptions.set(uid, input);
      subscriptionList = undefined;
    }
    invalid.delete(uid);
    changed = true;
  }

  /** True: nothing more to wait for. */
  function settleOne(uid: string, item: Known, policy: InstallationPolicy): boolean {
    const { kind, object } = item;
    const namespaceUid = namespaces.uidFor(uid, object.metadata.namespace ?? 'default');
    if (namespaceUid === undefined) return false;
    if (item.candidate === undefined) {
      const result = read(kind, object, namespaceUid);
      if (!result.ok) {
        remove(uid);
        // Another installation's resource is not ours to judge.
        if (servesClass(policy, object.spec?.class)) invalid.set(uid, result.verdict);
        return true;
      }
      item.candidate = result.resource;
    }
    const waits = (needs: readonly string[]): boolean =>
      needs.some((key) => !references.isRead(key)) && now() - (item.waitsSince ?? 0) < holdMs();
    // What it needs does not become less by waiting: a build of it for each of thousands that wait would hold up everybody.
    if (waits(item.needs)) return false;
    item.needs = servesClass(policy, object.spec?.class) ? needsOf(item.candidate, policy) : [];
    if (waits(item.needs)) return false;
    admit(uid, item.candidate);
    return true;
  }

  /** What a build of it would look up. */
  function needsOf(resource: ResourceInput, policy: InstallationPolicy): readonly string[] {
    const common = { references: references.current(), policy, mode: 'cluster', fingerprintKey } as const;
    const built =
      resource.kind === 'WebhookFunction'
        ? buildFunction(resource.input, { ...common, receivers })
        : buildSubscription(resource.input, common);
    return [...built.seen.keys()];
  }

  return {
    invalid,
    get waiting() {
      return waiting.size;
    },
    set: (kind, object) => {
      const { uid, generation, deletionTimestamp } = object.metadata;
      // What is being deleted serves no more, whoever still holds it with a finalizer.
      if (deletionTimestamp !== undefined) return forget(uid);
      const before = known.get(uid);
      if (before !== undefined && before.object.metadata.generation === generation) {
        before.object = object;
        return false;
      }
      const item: Known = { kind, object, waitsSince: now(), candidate: undefined, needs: [] };
      known.set(uid, item);
      waiting.set(uid, item);
      return true;
    },
    delete: (uid) => void forget(uid),
    settle: (policy) => {
      for (const [uid, item] of waiting) {
        if (!settleOne(uid, item, policy)) continue;
        waiting.delete(uid);
        item.waitsSince = undefined;
        item.candidate = undefined;
        item.needs = [];
      }
      const was = changed;
      changed = false;
      return was;
    },
    functions: () => {
      functions = functions.with(moved);
      moved.clear();
      return functions;
    },
    subscriptions: () => (subscriptionList ??= [...subscriptions.values()]),
    *wanted() {
      for (const { needs } of waiting.values()) yield* needs;
    },
    object: (uid) => known.get(uid),
    uids: () => known.keys(),
  };
}
