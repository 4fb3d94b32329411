/**
 * Fetches what verification needs from elsewhere (key sets, certificates): through the outbound guard, to exactly the host
 * the receiver names, never more often than a stranger's requests may make it.
 */
import { parseEgressPattern, type InstallationEgress } from '../policy/egress.ts';
import type { OutboundGuard } from '../policy/outbound.ts';
import type { FetchDocument, FetchedDocument } from '../receivers/types.ts';
import type { FunctionEntry } from '../routing/types.ts';
import { networkOf } from './client-address.ts';

/** A document serves so long without being asked for again. */
const freshMs = 3_600_000;
/** And so long at most where its host does not answer any more. */
const staleMs = 24 * 3_600_000;
/** Nothing is fetched twice within this time, whether it came or not. */
const againMs = 60_000;
/**
 * Documents never seen before that may be asked for in that time, by requests of one network and in all: a stranger can name
 * as many as he likes, and must not use up what the sender needs for his first one.
 */
const newPerNetwork = 2;
const newInAll = 16;
const documentsPerTrigger = 16;
const maxTriggers = 10_000;
const maxBytes = 256 * 1024;
const timeoutMs = 5_000;

interface Cached {
  readonly result: FetchedDocument;
  /** When it was last asked for, monotonic; of a document that serves on although its host fails, later than `cameAt`. */
  readonly askedAt: number;
  readonly cameAt: number;
}

interface TriggerDocuments {
  readonly documents: Map<string, Cached>;
  readonly pending: Map<string, Promise<FetchedDocument>>;
  /** The last fetches of documents that were new: when, and for which network. */
  began: readonly { readonly at: number; readonly network: string }[];
  /** Ends when the fetch before has ended: one at a time. */
  tail: Promise<unknown>;
}

export interface DocumentSources {
  readonly guard: OutboundGuard;
  /** What the installation allows the functions of a namespace. */
  installationEgress(namespace: string): InstallationEgress;
  /** Monotonic milliseconds. */
  now(): number;
}

/** Answers the fetcher of one trigger for a client's request; what it has fetched is kept over edits of the function. */
export type Documents = (entry: FunctionEntry, trigger: string, clientAddress: string) => FetchDocument;

/** The documents of one thread. */
export function createDocuments(sources: DocumentSources): Documents {
  const triggers = new Map<string, TriggerDocuments>();
  return (entry, trigger, clientAddress) => {
    const key = JSON.stringify([entry.namespaceUid, entry.name, trigger]);
    let own = triggers.get(key);
    if (own === undefined) {
      own = { documents: new Map(), pending: new Map(), began: [], tail: Promise.resolve() };
      dropOldest(triggers, maxTriggers);
      triggers.set(key, own);
    }
    const kept = own;
    return async (url, refresh = false) => fetchCached(sources, entry, kept, clientAddress, url, refresh);
  };
}

async function fetchCached(
  sources: DocumentSources,
  entry: FunctionEntry,
  own: TriggerDocuments,
  clientAddress: string,
  url: string,
  refresh: boolean,
): Promise<FetchedDocument> {
  const waiting = own.pending.get(url);
  if (waiting !== undefined) return waiting;
  const now = sources.now();
  const cached = own.documents.get(url);
  if (cached !== undefined) {
    if (now - cached.askedAt < againMs) return cached.result;
    if (cached.result.ok && !refresh && now - cached.cameAt < freshMs) return cached.result;
  }
  // A document that has come before is asked for again whatever strangers name: theirs use up the rest only.
  if (cached?.result.ok !== true) {
    own.began = own.began.filter(({ at }) => now - at < againMs);
    const network = networkOf(clientAddress);
    const most = own.began.filter((each) => each.network === network).length >= newPerNetwork;
    if (most || own.began.length >= newInAll) return { ok: false, message: 'too many new documents in a minute' };
    own.began = [...own.began, { at: now, network }];
  }
  const fetched = own.tail.then(async () => fetchNow(sources, entry, url));
  const settled = fetched.then((result) => keep(sources, own, url, cached, result));
  own.tail = settled;
  own.pending.set(url, settled);
  return settled;
}

const isServing = (cached: Cached | undefined, now: number): cached is Cached =>
  cached?.result.ok === true && now - cached.cameAt < staleMs;

function keep(
  sources: DocumentSources,
  own: TriggerDocuments,
  url: string,
  before: Cached | undefined,
  result: FetchedDocument,
): FetchedDocument {
  const now = sources.now();
  own.pending.delete(url);
  const serving = !result.ok && isServing(before, now) ? before : undefined;
  const entry = serving === undefined ? { result, askedAt: now, cameAt: now } : { ...serving, askedAt: now };
  own.documents.delete(url);
  dropWorst(own.documents);
  own.documents.set(url, entry);
  return entry.result;
}

/** Failures go first: names that a stranger makes up must not push out what verifies. */
function dropWorst(documents: Map<string, Cached>): void {
  if (documents.size < documentsPerTrigger) return;
  const [oldest] = documents.keys();
  const failed = [...documents].find(([, { result }]) => !result.ok)?.[0] ?? oldest;
  if (failed !== undefined) documents.delete(failed);
}

function dropOldest(map: Map<string, unknown>, max: number): void {
  const [oldest] = map.keys();
  if (map.size >= max && oldest !== undefined) map.delete(oldest);
}

/** Never rejects: what fails is an answer too. */
async function fetchNow(sources: DocumentSources, entry: FunctionEntry, url: string): Promise<FetchedDocument> {
  const host = URL.parse(url)?.host;
  const pattern = host === undefined ? undefined : parseEgressPattern(host);
  if (pattern?.ok !== true) return { ok: false, message: 'its URL cannot be used' };
  const egress = { installation: sources.installationEgress(entry.namespace), allow: [pattern.value] };
  const outbound = sources.guard.outboundFor({ namespaceUid: entry.namespaceUid, egress });
  const answer = await outbound.send({
    method: 'GET',
    url,
    headers: [['accept', '*/*']],
    timeoutMs,
    maxRedirects: 0,
    maxResponseBytes: maxBytes,
    signal: new AbortController().signal,
  });
  if (!answer.ok) return { ok: false, message: answer.message };
  const { status, body } = answer.response;
  return status === 200 ? { ok: true, bytes: body } : { ok: false, message: `its host answered ${status}` };
}
