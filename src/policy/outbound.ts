/**
 * The outbound guard: the one place that opens sockets for functions, subscriptions and key fetches. Each hop is checked by
 * name, by every address of its lookup, and by the address that was really connected.
 */
import { isIP } from 'node:net';
import { checkAddress, checkHost, type EffectiveEgress, type EgressTarget } from './egress.ts';
import { acceptEncoding, readBody, readStart } from './outbound-body.ts';
import { ConnectedElsewhere, ConnectTimeout, dialTcp, type Dial } from './outbound-connect.ts';
import { createPools, type PoolKey, type Pools } from './outbound-pools.ts';
import { ReadTurns } from './read-turns.ts';
import { isRedirect, nextHop, type Hop } from './outbound-redirect.ts';
import { checkHeaders, checkMethod, checkUrl } from './outbound-request.ts';
import { createCachingResolve, resolveBySystem, type Resolve, type ResolveFor } from './outbound-resolve.ts';
import { LookupShares, TooManyLookups } from './share-lookups.ts';
import { refuse, type Outbound, type OutboundRequest, type OutboundResult } from './outbound-types.ts';

export interface OutboundGuardOptions {
  /** Default: the system's resolver. */
  readonly resolve?: Resolve;
  /** Default: TCP by Node. */
  readonly dial?: Dial;
  /** Monotonic milliseconds, for the lookup cache. */
  readonly now?: () => number;
  /** Further certificate authorities in PEM. */
  readonly ca?: readonly string[];
  readonly connectTimeoutMs?: number;
  /** Lookups at once; default 4. */
  readonly lookups?: number;
  readonly maxPools?: number;
  readonly connectionsPerPool?: number;
  readonly userAgent?: string;
}

/** For whom requests are sent. */
export interface OutboundOwner {
  readonly namespaceUid: string;
  /** Read for each hop of each request. */
  readonly egress: EffectiveEgress;
}

export interface OutboundGuard {
  /** The client of one function; cheap, may be made per call. */
  outboundFor(owner: OutboundOwner): Outbound;
  /** Open connection pools, for tests and metrics. */
  readonly pools: number;
  close(): Promise<void>;
}

interface Guard {
  readonly resolve: ResolveFor;
  readonly pools: Pools;
  readonly userAgent: string;
}

/** Creates the guard of one process or thread. */
export function createOutboundGuard(options: OutboundGuardOptions = {}): OutboundGuard {
  const turns = new ReadTurns(options.now ?? (() => performance.now()), (callback) => void setImmediate(callback));
  const pools = createPools({
    dial: options.dial ?? dialTcp,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    pace: (socket) => turns.pace(socket),
    maxPools: options.maxPools ?? 256,
    connectionsPerPool: options.connectionsPerPool ?? 32,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  });
  const guard: Guard = {
    resolve: createCachingResolve(
      options.resolve ?? resolveBySystem,
      options.now ?? (() => performance.now()),
      new LookupShares({ all: options.lookups ?? 4, perNamespace: 2, waiting: 200 }),
    ),
    pools,
    userAgent: options.userAgent ?? 'moonhook',
  };
  return {
    outboundFor: (owner) => ({ send: async (request) => send(guard, owner, request) }),
    get pools() {
      return pools.size;
    },
    close: async () => pools.close(),
  };
}

async function send(guard: Guard, owner: OutboundOwner, request: OutboundRequest): Promise<OutboundResult> {
  for (const verdict of [checkMethod(request.method), checkHeaders(request.headers)]) if (!verdict.ok) return verdict;
  const checked = checkUrl(request.url);
  if (!checked.ok) return checked;
  if (request.signal.aborted) return { ok: false, message: 'the call has ended' };

  const control = new AbortController();
  const abort = (): void => control.abort();
  request.signal.addEventListener('abort', abort, { once: true });
  let timedOut = false;
  const timer = setTimeout(
    () => {
      timedOut = true;
      control.abort();
    },
    Math.max(0, request.timeoutMs),
  );
  try {
    return await follow(guard, owner, request, checked.value.url, control.signal);
  } catch (error) {
    if (timedOut) return { ok: false, message: `no complete answer within ${request.timeoutMs} ms` };
    if (request.signal.aborted) return { ok: false, message: 'the call has ended' };
    return describeError(error);
  } finally {
    clearTimeout(timer);
    request.signal.removeEventListener('abort', abort);
  }
}

async function follow(
  guard: Guard,
  owner: OutboundOwner,
  request: OutboundRequest,
  first: URL,
  signal: AbortSignal,
): Promise<OutboundResult> {
  let hop: Hop = {
    method: request.method,
    url: first,
    headers: request.headers,
    hostHeaders: request.hostHeaders ?? [],
    ...(request.body === undefined ? {} : { body: request.body }),
  };
  for (let redirects = 0; ; redirects += 1) {
    const checked = checkUrl(hop.url.href);
    if (!checked.ok) return checked;
    const addresses = await checkedAddresses(guard, owner, checked.value.target, signal);
    if (!addresses.ok) return addresses;
    const answer = await exchange(guard, owner, hop, addresses.value, request, signal);
    if (!('redirect' in answer)) return answer;
    if (redirects >= request.maxRedirects) return refuse('redirect', `more than ${request.maxRedirects} redirects`);
    const next = nextHop(hop, answer.redirect.status, answer.redirect.location);
    if (!next.ok) return next;
    hop = next.value;
  }
}

/** Every address of the target's lookup, all of them allowed. */
async function checkedAddresses(
  guard: Guard,
  owner: OutboundOwner,
  target: EgressTarget,
  signal: AbortSignal,
): Promise<{ readonly ok: true; readonly value: readonly string[] } | (OutboundResult & { readonly ok: false })> {
  // By name first: a name outside of the lists is not even looked up, unless an entry asks for addresses.
  const byName = checkHost(owner.egress, target, []);
  if (!byName.ok && !hasAddressEntries(owner.egress)) return byName;
  let addresses: readonly string[];
  try {
    addresses = await raceAbort(guard.resolve(target.host, owner.namespaceUid), signal);
  } catch (error) {
    if (signal.aborted) throw error;
    if (error instanceof TooManyLookups) return { ok: false, message: error.message };
    return { ok: false, message: `${target.host} cannot be resolved (${errorCode(error) ?? 'lookup failed'})` };
  }
  if (addresses.length === 0) return { ok: false, message: `${target.host} has no address` };
  const looked = isFixed(target.host) ? {} : { byLookup: true as const };
  const { egress } = owner;
  const byAddress = checkHost(egress, target, addresses);
  if (!byAddress.ok) return { ...byAddress, ...looked };
  for (const address of addresses) {
    const verdict = checkAddress(egress, target, address);
    if (!verdict.ok) return { ...verdict, ...looked };
  }
  return { ok: true, value: addresses };
}

/** An address, or a name that is always one: nobody is asked where it leads. */
function isFixed(host: string): boolean {
  return isIP(host) !== 0 || host === 'localhost' || host.endsWith('.localhost');
}

function hasAddressEntries(egress: EffectiveEgress): boolean {
  return [...(egress.allow ?? []), ...(egress.installation.ceiling ?? [])].some((entry) => entry.kind === 'addresses');
}

/** One request and its answer, or where it redirects to. */
async function exchange(
  guard: Guard,
  owner: OutboundOwner,
  hop: Hop,
  addresses: readonly string[],
  request: OutboundRequest,
  signal: AbortSignal,
): Promise<OutboundResult | { readonly redirect: { readonly status: number; readonly location: string } }> {
  const key: PoolKey = { namespaceUid: owner.namespaceUid, origin: hop.url.origin, addresses };
  const pool = guard.pools.take(key);
  try {
    // A request that waits for a connection hears of an abort only once there is one: the race does not wait for that.
    const sent = pool.request({
      method: hop.method,
      path: `${hop.url.pathname}${hop.url.search}`,
      headers: requestHeaders(hop, guard.userAgent),
      signal,
      ...(hop.body === undefined ? {} : { body: hop.body }),
    });
    const response = await raceAbort(sent, signal);
    const headers = responseHeaders(response.headers);
    const location = headers.get('location')?.[0];
    if (request.maxRedirects > 0 && location !== undefined && isRedirect(response.statusCode)) {
      response.body.on('error', () => undefined).destroy();
      return { redirect: { status: response.statusCode, location } };
    }
    const encodings = isBodyless(hop.method, response.statusCode, headers)
      ? []
      : (headers.get('content-encoding') ?? []);
    if (request.cutResponse === true) {
      const body = await readStart(response.body, request.maxResponseBytes);
      return { ok: true, response: { status: response.statusCode, headers, body, url: hop.url.href } };
    }
    const body = await readBody(response.body, encodings, {
      maxBytes: request.maxResponseBytes,
      signal,
      ...(request.received === undefined ? {} : { received: request.received }),
    });
    if (!body.ok) return body;
    return {
      ok: true,
      response: { status: response.statusCode, headers, body: body.body, url: hop.url.href },
    };
  } finally {
    guard.pools.release(key, signal.aborted);
  }
}

/** No body follows (RFC 9110 §6.4.1), whatever encoding the headers name. */
function isBodyless(method: string, status: number, headers: ReadonlyMap<string, readonly string[]>): boolean {
  return method === 'HEAD' || status === 204 || status === 304 || headers.get('content-length')?.[0] === '0';
}

function requestHeaders(hop: Hop, userAgent: string): string[] {
  const flat: string[] = [];
  for (const [name, value] of [...hop.headers, ...hop.hostHeaders]) flat.push(name, value);
  if (!hop.headers.some(([name]) => name.toLowerCase() === 'user-agent')) flat.push('user-agent', userAgent);
  flat.push('accept-encoding', acceptEncoding);
  return flat;
}

function responseHeaders(raw: Readonly<Record<string, string | string[] | undefined>>): Map<string, readonly string[]> {
  const headers = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(raw)) {
    if (value !== undefined) headers.set(name.toLowerCase(), typeof value === 'string' ? [value] : value);
  }
  return headers;
}

async function raceAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new Error('aborted'));
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What went wrong on the network, in words without addresses: names may resolve to what a tenant must not learn. */
function describeError(error: unknown): OutboundResult & { readonly ok: false } {
  if (error instanceof ConnectedElsewhere) return { ...refuse('connected-address', error.message), byLookup: true };
  if (error instanceof ConnectTimeout) return { ok: false, message: 'no connection in time' };
  const code = errorCode(error);
  const known = code === undefined ? undefined : networkErrors.get(code);
  if (known !== undefined) return { ok: false, message: known };
  return { ok: false, message: code === undefined ? 'the request failed' : `the request failed (${code})` };
}

const networkErrors: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'the connection was refused'],
  ['ECONNRESET', 'the other side closed the connection'],
  ['EPIPE', 'the other side closed the connection'],
  ['UND_ERR_SOCKET', 'the other side closed the connection'],
  ['EHOSTUNREACH', 'the host is not reachable'],
  ['ENETUNREACH', 'the network is not reachable'],
  ['ETIMEDOUT', 'no connection in time'],
  ['UND_ERR_HEADERS_OVERFLOW', 'the response headers are too large'],
  ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'the response is shorter or longer than it says'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'the certificate is self-signed'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'the certificate chain holds a self-signed certificate'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'the certificate cannot be verified'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'the certificate cannot be verified'],
  ['CERT_HAS_EXPIRED', 'the certificate has expired'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'the certificate is for another host'],
]);
