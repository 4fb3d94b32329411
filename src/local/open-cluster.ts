/**
 * The cluster of a kubeconfig beside a local run: kubernetes triggers are watched and `k8s.*` answered by the controller's own
 * parts, as the ServiceAccount of each function, or, where that is asked for, with one's own rights.
 */
import { errorMessage } from '../failures/error-message.ts';
import { startClusterEvents } from '../controller/cluster-events/start-cluster-events.ts';
import { createClock } from '../controller/clock.ts';
import { createHostCalls } from '../controller/host-calls/answer-calls.ts';
import { createAccountCheck, type ConfirmAccount } from '../controller/host-calls/confirm-account.ts';
import { createKindBook } from '../controller/host-calls/discover-kinds.ts';
import { createCallGate } from '../controller/host-calls/limit-calls.ts';
import type { KubeFailure, KubeRequest } from '../controller/kube-answer.ts';
import { createKubeClient, type KubeClient } from '../controller/kube-client.ts';
import { createCredentialReader } from '../controller/kube-credentials.ts';
import type { LinkedRuntime, RuntimesChange, TriggerReports } from '../controller/types.ts';
import { readAppendQuestion } from '../link/append-messages.ts';
import type { Answer } from '../link/exchange.ts';
import { systemClock } from '../link/system-clock.ts';
import type { Acknowledgement, FunctionEntry, RouteTable } from '../routing/types.ts';
import { askCluster } from '../runtime/ask-cluster.ts';
import type { MakeKubernetesCall } from '../runtime/kubernetes-desk.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { KubeSettings } from '../settings/dev-settings.ts';
import type { Logger } from '../telemetry/logger.ts';

export interface OpenCluster {
  /** For people: which cluster, as whom. */
  readonly lines: readonly string[];
  readonly call: MakeKubernetesCall;
  /** Follows the triggers of what the runtime serves. */
  follow(runtime: Pick<Runtime, 'table' | 'append' | 'onAcknowledgement'>): void;
  /** The runtime serves another table now. */
  tableChanged(): void;
  close(): Promise<void>;
}

export interface OpenClusterOptions {
  readonly settings: KubeSettings;
  readonly version: string;
  readonly log: Logger;
  /** One line for people. */
  print(line: string): void;
}

/** The one runtime there is. */
const here = { podUid: 'local', group: 'default' };
/** Nobody else takes the place of a local run; whoever ran on this store before is gone. */
const epoch = 1;

/** Asks the cluster who we are there. Throws what is wrong with the kubeconfig. */
export async function openCluster(options: OpenClusterOptions): Promise<OpenCluster> {
  const { settings, log, print } = options;
  const clock = createClock();
  const { path, context, asMe } = settings;
  const credentials = createCredentialReader(
    { kind: 'file', ...(path === undefined ? {} : { path }), ...(context === undefined ? {} : { context }) },
    clock.now,
  );
  const own = createKubeClient(credentials, `moonhook-dev/${options.version}`);
  const client = asMe ? withOwnRights(own) : own;
  const { cluster, lines } = await introduce(own, (await credentials.read()).server, asMe);
  const entryOf = asMe ? namedAccounts() : (entry: FunctionEntry) => entry;
  const tableListeners = new Set<(table: RouteTable) => void>();
  const runtimeListeners = new Set<(change: RuntimesChange) => void>();
  const acknowledgements = new Map<string, Acknowledgement>();
  const linked: LinkedRuntime = { ...here, runtime: 'local', connected: true, ready: true, acknowledgements };
  let runtime: Parameters<OpenCluster['follow']>[0] | undefined;
  let events: ReturnType<typeof startClusterEvents> | undefined;
  let stopListening = (): void => undefined;

  const table = {
    current(): RouteTable | undefined {
      if (runtime === undefined || runtime.table.version === 0) return undefined;
      if (!asMe) return runtime.table;
      return {
        ...runtime.table,
        functions: new Map([...runtime.table.functions].map(([uid, entry]) => [uid, entryOf(entry)])),
      };
    },
    subscribe(listener: (changed: RouteTable) => void) {
      tableListeners.add(listener);
      return () => void tableListeners.delete(listener);
    },
  };
  const runtimes = {
    runtimes: () => [linked],
    subscribe(listener: (change: RuntimesChange) => void) {
      runtimeListeners.add(listener);
      return () => void runtimeListeners.delete(listener);
    },
  };

  const confirmAccount = asMe ? () => Promise.resolve(undefined) : createAccountCheck(client, clock.now);
  const answer = createHostCalls({
    client,
    table,
    acknowledgements: () => runtimes,
    kinds: createKindBook(client, clock.now),
    confirmAccount,
    gate: createCallGate(clock.now),
    after: systemClock.after,
    onStranger: (_pod, functionUid, why) => log.warn('a Kubernetes call was refused', { function: functionUid, why }),
  });

  async function append(body: unknown): Promise<Answer> {
    const question = readAppendQuestion(body);
    if (question === undefined || runtime === undefined) {
      return { ok: false, code: 'Refused', message: 'nothing is served yet' };
    }
    // What is known of the objects of one cluster says nothing of another's, nor of what somebody else may see.
    const asked =
      question.op === 'open' ? { ...question, selection: `${question.selection} ${cluster} ${asMe}` } : question;
    try {
      return { ok: true, body: await runtime.append(asked) };
    } catch (error) {
      return { ok: false, code: 'Failed', message: errorMessage(error) };
    }
  }

  return {
    lines,
    call: (call, signal) =>
      askCluster(call, signal, {
        ask: (_topic, body, asked) => answer(body, here, asked.signal ?? AbortSignal.timeout(asked.timeoutMs)),
      }),
    follow(served) {
      runtime = served;
      stopListening = served.onAcknowledgement((acknowledgement) => {
        acknowledgements.set(acknowledgement.uid, acknowledgement);
        for (const listener of runtimeListeners) listener({ kind: 'acknowledged', uids: [acknowledgement.uid] });
      });
      events = startClusterEvents(
        {
          controller: {
            table,
            leadership: { leading: true, epoch, subscribe: () => () => undefined },
            listenToTriggers: (reports) => tellOfTriggers(reports, () => table.current(), print),
            // Statuses and Events are the cluster's.
            tell: () => undefined,
          },
          client: withConsent(client, confirmAccount),
          clock,
          log,
        },
        { ...runtimes, ask: (_pod, _topic, body) => append(body) },
      );
    },
    tableChanged() {
      const now = table.current();
      if (now === undefined) return;
      for (const uid of acknowledgements.keys()) if (!now.functions.has(uid)) acknowledgements.delete(uid);
      for (const listener of tableListeners) listener(now);
    },
    async close() {
      stopListening();
      await events?.close();
      await own.close();
    },
  };
}

/** Without the header of impersonation. */
function withOwnRights(client: KubeClient): KubeClient {
  const own = ({ impersonate: _impersonate, ...request }: KubeRequest): KubeRequest => request;
  return {
    request: (request) => client.request(own(request)),
    text: (request, maxBytes) => client.text(own(request), maxBytes),
    stream: (request) => client.stream(own(request)),
    close: () => client.close(),
  };
}

/** Nobody has looked at the label of an account that only a file names: what acts as it asks first. */
function withConsent(client: KubeClient, confirm: ConfirmAccount): KubeClient {
  const refuse = async ({ impersonate = '' }: KubeRequest): Promise<KubeFailure | undefined> => {
    const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(impersonate) ?? [];
    const problem = namespace === undefined || name === undefined ? undefined : await confirm(namespace, name);
    return problem === undefined ? undefined : { ok: false, status: 403, reason: 'Forbidden', message: problem };
  };
  return {
    request: async <Body>(request: KubeRequest) => (await refuse(request)) ?? client.request<Body>(request),
    text: async (request, maxBytes) => (await refuse(request)) ?? client.text(request, maxBytes),
    stream: async (request) => (await refuse(request)) ?? client.stream(request),
    close: () => client.close(),
  };
}

/** Functions without an account get one in name only: nobody acts as it. The same entry gives the same object. */
function namedAccounts(): (entry: FunctionEntry) => FunctionEntry {
  const named = new WeakMap<FunctionEntry, FunctionEntry>();
  return (entry) => {
    if (entry.serviceAccountName !== undefined) return entry;
    let made = named.get(entry);
    if (made === undefined) named.set(entry, (made = { ...entry, serviceAccountName: 'me' }));
    return made;
  };
}

const introductionMs = 10_000;

interface SelfReview {
  readonly status?: { readonly userInfo?: { readonly username?: string } };
}

/** SelfSubjectReview (authentication.k8s.io/v1): whom the cluster takes us for. */
async function introduce(
  client: KubeClient,
  server: URL,
  asMe: boolean,
): Promise<{ readonly lines: readonly string[]; readonly cluster: string }> {
  const review = await client.request<SelfReview>({
    method: 'POST',
    path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
    body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
    timeoutMs: introductionMs,
  });
  const cluster = server.host;
  if (!review.ok) {
    const hint = 'kubernetes triggers and k8s.* go on trying';
    return { cluster, lines: [`warning: the cluster at ${cluster} does not answer (${review.message}): ${hint}`] };
  }
  const me = review.body.status?.userInfo?.username ?? 'you';
  return {
    cluster,
    lines: asMe
      ? [`kubernetes triggers and k8s.* use YOUR OWN rights as ${me} on ${cluster}, not those of ServiceAccounts`]
      : [`kubernetes triggers and k8s.* act on ${cluster} as the ServiceAccount of each function, through ${me}`],
  };
}

/** A line for each trigger that began to follow its objects, or cannot. */
function tellOfTriggers(
  reports: TriggerReports,
  table: () => RouteTable | undefined,
  print: (line: string) => void,
): void {
  const told = new Map<string, string>();
  reports.subscribe((uids) => {
    for (const uid of uids) {
      const entry = table()?.functions.get(uid);
      for (const [trigger, { ready, reason, message }] of reports.triggerStates(uid) ?? []) {
        if (entry === undefined || reason === 'Pending') continue;
        const name = `${entry.namespace}/${entry.name}: trigger ${trigger}`;
        const line = ready ? `${name} follows the cluster` : `${name}: warning: ${message ?? reason ?? 'not ready'}`;
        if (told.get(name) === line) continue;
        told.set(name, line);
        print(line);
      }
    }
  });
}
