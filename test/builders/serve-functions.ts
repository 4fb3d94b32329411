/** A real runtime on loopback for tests: functions as users write them, built, loaded and served over HTTP. */
import { randomBytes } from 'node:crypto';
import { Writable } from 'node:stream';
import type { FunctionSpec, WebhookFunction } from '../../src/function/types.ts';
import type { SubscriptionSpec, WebhookSubscription } from '../../src/function/subscription-types.ts';
import { localPolicy, type InstallationPolicy } from '../../src/policy/installation-policy.ts';
import { receivers } from '../../src/receivers/catalogue.ts';
import { buildRouteTable, type BuildResult } from '../../src/routing/build-route-table.ts';
import { functionsLabel, referenceKey, type References } from '../../src/routing/read-references.ts';
import { byUid } from '../../src/routing/find-changes.ts';
import type { Acknowledgement, ReferencedObject, RouteTable } from '../../src/routing/types.ts';
import type { CallRecord } from '../../src/runtime/call-record.ts';
import type { RecordFilter } from '../../src/runtime/record-filter.ts';
import { createRuntime, type Runtime } from '../../src/runtime/runtime.ts';
import { runtimeDefaults, type RuntimeSettings } from '../../src/settings/runtime-settings.ts';
import type { OpenStore } from '../../src/store/open-store.ts';
import { createLogger } from '../../src/telemetry/logger.ts';

export interface FunctionUnderTest extends FunctionSpec {
  readonly name: string;
  readonly namespace?: string;
}

export interface SubscriptionUnderTest extends SubscriptionSpec {
  readonly name: string;
  readonly namespace?: string;
}

export interface ServedFunctions {
  readonly runtime: Runtime;
  readonly url: string;
  readonly calls: string;
  readonly admin: string;
  readonly token: string;
  readonly policy: InstallationPolicy;
  /** Lines of the process log, parsed. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  /** Serves exactly these functions from now on. */
  serve(...functions: readonly FunctionUnderTest[]): Promise<readonly Acknowledgement[]>;
  /** Serves exactly these subscriptions beside the functions from now on. */
  subscribe(...subscriptions: readonly SubscriptionUnderTest[]): Promise<readonly Acknowledgement[]>;
  /** As the caller that knows the start-up token. */
  call(path: string, init?: RequestInit): Promise<Response>;
  /** The first record, past or to come, that the filter and the condition cover. */
  record(filter: RecordFilter, condition?: (record: CallRecord) => boolean): Promise<CallRecord>;
  /** One value of `/metrics`; 0 where it is not there. */
  metric(line: string): Promise<number>;
  close(): Promise<void>;
}

/** `NAME/KEY` → value: Secrets of every namespace. */
export type Secrets = Readonly<Record<string, string>>;

function referencesOf(functions: readonly { readonly namespace?: string }[], secrets: Secrets): References {
  const found = new Map<string, ReferencedObject>();
  for (const [path, value] of Object.entries(secrets)) {
    const [name = '', key = ''] = path.split('/');
    for (const namespace of new Set(functions.map((each) => each.namespace ?? 'default'))) {
      const id = referenceKey('Secret', namespace, name);
      const known = found.get(id);
      const data = new Map(known?.state === 'found' ? known.data : []).set(key, Buffer.from(value));
      found.set(id, { state: 'found', labels: { [functionsLabel]: 'true' }, type: 'Opaque', data });
    }
  }
  return found;
}

function subscriptionOf({ name, namespace = 'default', ...spec }: SubscriptionUnderTest): WebhookSubscription {
  return {
    apiVersion: 'moonhook.dev/v1alpha1',
    kind: 'WebhookSubscription',
    metadata: { name, namespace, uid: `uid-subscription-${namespace}-${name}`, generation: 1 },
    spec,
  };
}

function resourceOf({ name, namespace = 'default', ...spec }: FunctionUnderTest): WebhookFunction {
  return {
    apiVersion: 'moonhook.dev/v1alpha1',
    kind: 'WebhookFunction',
    metadata: { name, namespace, uid: `uid-${namespace}-${name}`, generation: 1 },
    spec,
  };
}

/** Starts a runtime with `settings` over the defaults; ports are free ones. */
export async function serveFunctions(
  options: {
    readonly functions?: readonly FunctionUnderTest[];
    readonly subscriptions?: readonly SubscriptionUnderTest[];
    readonly secrets?: Secrets;
    readonly settings?: Partial<RuntimeSettings>;
    readonly policy?: Partial<InstallationPolicy>;
    /** True: not even an empty table is applied. */
    readonly serveNothing?: boolean;
    /** Instead of a store in memory; stays open when the runtime closes. */
    readonly store?: OpenStore;
    readonly keepsGoodCode?: boolean;
  } = {},
): Promise<ServedFunctions> {
  const { functions = [], secrets = {} } = options;
  const policy = { ...localPolicy('http://127.0.0.1:1'), ...options.policy };
  const token = 'start-up-token-of-the-tests';
  const free = { host: '127.0.0.1', port: 0 };
  const lines: Readonly<Record<string, unknown>>[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      for (const line of chunk.toString().trim().split('\n')) lines.push(JSON.parse(line) as Record<string, unknown>);
      done();
    },
  });
  const runtime = await createRuntime({
    ...(options.store === undefined ? {} : { store: options.store }),
    ...(options.keepsGoodCode === undefined ? {} : { keepsGoodCode: options.keepsGoodCode }),
    settings: {
      ...runtimeDefaults,
      public: free,
      calls: free,
      admin: free,
      callToken: token,
      policy,
      drainGraceMs: 2_000,
      watchdog: { ...runtimeDefaults.watchdog, standby: false },
      // A machine that runs many tests at once is no slow store.
      asynchronous: { ...runtimeDefaults.asynchronous, unansweredMs: 60_000 },
      ...options.settings,
    },
    log: createLogger({ level: 'debug', terminal: false, stream }),
  });
  let previous: BuildResult | undefined;
  let version = 0;
  const fingerprintKey = randomBytes(32);
  let wanted: readonly FunctionUnderTest[] = [];
  let subscriptions: readonly SubscriptionUnderTest[] = options.subscriptions ?? [];
  async function build(): Promise<readonly Acknowledgement[]> {
    const built = buildRouteTable({
      functions: byUid(
        wanted.map((each) => ({
          resource: resourceOf(each),
          namespaceUid: `ns-${each.namespace ?? 'default'}`,
        })),
      ),
      subscriptions: subscriptions.map((each) => ({
        resource: subscriptionOf(each),
        namespaceUid: `ns-${each.namespace ?? 'default'}`,
      })),
      references: referencesOf([...wanted, ...subscriptions], secrets),
      policy,
      receivers,
      mode: 'local',
      fingerprintKey,
      ...(previous === undefined ? {} : { previous }),
    });
    previous = built;
    version += 1;
    const table: RouteTable = { version, functions: built.entries, subscriptions: built.subscriptions.entries };
    return runtime.apply(table);
  }
  async function serve(...functions: readonly FunctionUnderTest[]): Promise<readonly Acknowledgement[]> {
    wanted = functions;
    return build();
  }
  if (options.serveNothing !== true) await serve(...functions);
  return {
    runtime,
    url: runtime.addresses.public,
    calls: runtime.addresses.calls,
    admin: runtime.addresses.admin,
    token,
    policy,
    log: lines,
    serve,
    subscribe: async (...next) => {
      subscriptions = next;
      return build();
    },
    call: (path, init = {}) =>
      fetch(runtime.addresses.calls + path, {
        ...init,
        headers: { authorization: `Bearer ${token}`, ...(init.headers as Record<string, string> | undefined) },
      }),
    record: (filter, condition = () => true) => waitForRecord(runtime, filter, condition),
    async metric(line) {
      const text = await (await fetch(`${runtime.addresses.admin}/metrics`)).text();
      const found = text.split('\n').find((each) => each.startsWith(`moonhook_${line} `));
      return Number(found?.split(' ').at(-1) ?? '0');
    },
    close: () => runtime.close(),
  };
}

async function waitForRecord(
  runtime: Runtime,
  filter: RecordFilter,
  condition: (record: CallRecord) => boolean,
): Promise<CallRecord> {
  const { promise, resolve, reject } = Promise.withResolvers<CallRecord>();
  const stop = runtime.records.follow(filter, (record) => {
    if (condition(record)) resolve(record);
  });
  const late = setTimeout(() => {
    reject(new Error(`no such record within 20 s: ${JSON.stringify(filter)}`));
  }, 20_000);
  try {
    const known = (await runtime.records.query({ ...filter, limit: 10_000 })).find(condition);
    return known ?? (await promise);
  } finally {
    clearTimeout(late);
    stop();
  }
}
