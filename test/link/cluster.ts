/** Links without a cluster: controllers and runtimes in this process over real TLS, with a TokenReview that knows some pods. */
import { eventually } from '../builders/eventually.ts';
import { issueCertificate, makeAuthority, type KeyPair } from '../../src/controller/certificates/make-certificates.ts';
import type { RuntimeAccounts, TokenReviewStatus } from '../../src/controller/link/admit-runtime.ts';
import { createLinkServer, type LinkServer, type LinkServerOptions } from '../../src/controller/link/link-server.ts';
import type { Leadership, TableSource } from '../../src/controller/types.ts';
import type { LinkClock } from '../../src/link/link-peer.ts';
import { systemClock } from '../../src/link/system-clock.ts';
import { defaultPolicy, type InstallationPolicy } from '../../src/policy/installation-policy.ts';
import { diffTables, applyChanges, emptyTable, type TableChange } from '../../src/routing/diff-tables.ts';
import type { Acknowledgement, RouteTable } from '../../src/routing/types.ts';
import { createLinkClient, type LinkClient, type LinkClientOptions } from '../../src/runtime/link/link-client.ts';
import type { Logger } from '../../src/telemetry/logger.ts';

export const serverName = 'moonhook-controller.moonhook.svc';
export const audience = 'moonhook-link.test-installation';

export const realClock: LinkClock & { wall(): number } = {
  ...systemClock,
  wall: () => Date.now(),
};

/** A log whose lines a test can look at. */
export function keptLog(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const write =
    (level: string) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}): void =>
      void lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  return { lines, debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
}

export const accounts: RuntimeAccounts = {
  audience,
  namespace: 'moonhook',
  groups: new Map([['moonhook-runtime', 'default']]),
};

export interface TestPod {
  readonly name: string;
  readonly uid: string;
}

/** Tokens as the API server makes and knows them; those of pods that are gone are none. */
export class TestTokens {
  readonly #known = new Map<string, { readonly status: TokenReviewStatus; readonly podUid: string | undefined }>();
  readonly #gone = new Set<string>();
  #count = 0;
  reviews = 0;
  readonly reviewed = new Set<string>();
  away = false;

  make(
    pod: TestPod | undefined,
    options: { readonly audience?: string; readonly user?: string; readonly endsInMs?: number } = {},
  ): string {
    const { audience: made = audience, user = 'system:serviceaccount:moonhook:moonhook-runtime' } = options;
    this.#count += 1;
    const exp = Math.floor((Date.now() + (options.endsInMs ?? 3_600_000)) / 1000);
    const claims = Buffer.from(JSON.stringify({ aud: [made], exp, n: this.#count })).toString('base64url');
    const token = `e30.${claims}.c2ln`;
    const extra =
      pod === undefined
        ? {}
        : {
            'authentication.kubernetes.io/pod-name': [pod.name],
            'authentication.kubernetes.io/pod-uid': [pod.uid],
          };
    const status = { authenticated: true, audiences: [made], user: { username: user, groups: [], extra } };
    this.#known.set(token, { status, podUid: pod?.uid });
    return token;
  }

  podGone(uid: string): void {
    this.#gone.add(uid);
  }

  readonly review = async (token: string, audiences: readonly string[]): Promise<TokenReviewStatus> => {
    this.reviews += 1;
    this.reviewed.add(token);
    if (this.away) throw new Error('connect ECONNREFUSED');
    const known = this.#known.get(token);
    if (known === undefined || this.#gone.has(known.podUid ?? '')) return { authenticated: false };
    const common = known.status.audiences?.filter((each) => audiences.includes(each)) ?? [];
    if (common.length === 0) return { authenticated: false, error: 'token audiences do not match' };
    return { ...known.status, audiences: common };
  };
}

/** A table that a test edits. */
export class TestTable implements TableSource {
  #table: RouteTable | undefined;
  readonly #listeners = new Set<(table: RouteTable) => void>();

  constructor(table?: RouteTable) {
    this.#table = table;
  }

  current(): RouteTable | undefined {
    return this.#table;
  }

  subscribe(listener: (table: RouteTable) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  set(table: Omit<RouteTable, 'version'>): void {
    this.#table = { ...table, version: (this.#table?.version ?? 0) + 1 };
    for (const listener of this.#listeners) listener(this.#table);
  }

  change(changes: readonly TableChange[]): void {
    this.set(applyChanges(this.#table ?? emptyTable, changes, 0));
  }
}

export class TestLeadership implements Leadership {
  epoch: number;
  leading: boolean;
  readonly #listeners = new Set<() => void>();

  constructor(epoch: number) {
    this.epoch = epoch;
    this.leading = epoch > 0;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** 0: it does not lead any more. */
  lead(epoch: number): void {
    this.epoch = epoch;
    this.leading = epoch > 0;
    for (const listener of this.#listeners) listener();
  }
}

export interface TestController {
  readonly server: LinkServer;
  readonly table: TestTable;
  readonly leadership: TestLeadership;
  readonly log: ReturnType<typeof keptLog>;
}

const policy = defaultPolicy('https://hooks.example.com');
const authorities = new Map<string, Promise<KeyPair>>();

/** One authority for all tests of a process. */
export function testAuthority(name = 'moonhook link'): Promise<KeyPair> {
  const day = 86_400_000;
  let made = authorities.get(name);
  if (made === undefined) {
    made = makeAuthority(name, { from: Date.now() - day, until: Date.now() + day });
    authorities.set(name, made);
  }
  return made;
}

export async function servingCertificate(): Promise<KeyPair> {
  const day = 86_400_000;
  return issueCertificate(await testAuthority(), [serverName], { from: Date.now() - day, until: Date.now() + day });
}

export async function startController(
  tokens: TestTokens,
  options: {
    readonly name?: string;
    readonly epoch?: number;
    readonly table?: TestTable;
    readonly server?: Partial<LinkServerOptions>;
  } = {},
): Promise<TestController> {
  const { name = 'controller-a', epoch = 1, table = new TestTable(emptyTable) } = options;
  const leadership = new TestLeadership(epoch);
  const log = keptLog();
  const server = await createLinkServer({
    host: '127.0.0.1',
    port: 0,
    certificate: await servingCertificate(),
    controller: name,
    accounts,
    reviewToken: tokens.review,
    source: table,
    leadership,
    policy: () => policy,
    // Whose stores its runtimes may work with.
    answer: async (topic) =>
      topic === 'installation'
        ? { ok: true, body: { owner: 'uid-of-kube-system/moonhook/moonhook' } }
        : { ok: false, code: 'Unsupported', message: topic },
    clock: realClock,
    log,
    ...options.server,
  });
  return { server, table, leadership, log };
}

/** What a runtime serves, without threads: judges as the test says. */
class TestServer {
  table: RouteTable = emptyTable;
  applied = 0;
  policy: InstallationPolicy | undefined;
  judge: (uid: string, revision: string) => Acknowledgement = (uid, revision) => ({
    uid,
    revision,
    accepted: true,
    servingRevision: revision,
  });

  async setPolicy(policy: InstallationPolicy): Promise<void> {
    this.policy = policy;
  }

  async applyChanges(changes: readonly TableChange[], version: number): Promise<readonly Acknowledgement[]> {
    this.applied += 1;
    this.table = applyChanges(this.table, changes, version);
    await new Promise<void>((resolve) => void setImmediate(resolve));
    return changes.flatMap((change) => {
      if (change.op === 'set') return [this.judge(change.entry.uid, change.entry.revision)];
      if (change.op === 'setSubscription') return [this.judge(change.subscription.uid, change.subscription.revision)];
      return [];
    });
  }
}

export interface TestRuntime {
  readonly client: LinkClient;
  readonly server: TestServer;
  readonly log: ReturnType<typeof keptLog>;
}

export async function startRuntime(
  pod: TestPod,
  tokens: TestTokens,
  controllers: readonly { readonly server: { readonly port: number } }[],
  options: Partial<LinkClientOptions> = {},
): Promise<TestRuntime> {
  const server = new TestServer();
  const log = keptLog();
  const token = tokens.make(pod);
  const authority = await testAuthority();
  const client = createLinkClient({
    controllers: controllers.map((each) => ({ host: '127.0.0.1', port: each.server.port })),
    serverName,
    runtime: `${pod.name}-process`,
    podName: pod.name,
    podUid: pod.uid,
    group: 'default',
    server,
    lookup: async (host) => [{ address: host, family: 4 }],
    credentials: async () => ({ token, authorities: authority.certificate }),
    answer: async (topic) => ({ ok: false, code: 'Unsupported', message: topic }),
    clock: realClock,
    random: () => 0,
    log,
    ...options,
  });
  return { client, server, log };
}

/** Waits until it is so; the generous limit only ends a test that would never. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, limitMs = 30_000): Promise<void> {
  await eventually(what, holds, undefined, limitMs);
}

export const sameTable = (one: RouteTable, other: RouteTable): boolean => diffTables(one, other).length === 0;
