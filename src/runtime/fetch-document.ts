/**
 * Fetches what verification needs from elsewhere (key sets, certificates): through the outbound guard, to exactly the host
 * the receiver names, never more often than a stranger's requests may make it.
 */
import { parseEgressPattern, type InstallationEgress } from '../policy/egress.ts';
import type { OutboundGuard } from '../policy/outbound.ts';
import type { FetchDocument, FetchedDocument } from '../receivers/types.ts';
import type { FunctionEntry } from '../routing/types.ts';

/** A document serves so long without being asked for again. */
const freshMs = 3_600_000;
/** And so long at most where its host does not answer any more. */
const staleMs = 24 * 3_600_000;
/** Nothing is fetched twice within this time, whether it came or not. */
const againMs = 60_000;
/** Different documents of one trigger that may be asked for in that time: a stranger can name as many as he likes. */
const fetchesPerMinute = 4;
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
  /** Starts of the last fetches. */
  began: readonly number[];
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

/** Answers the fetcher of one trigger; what it has fetched is kept over edits of the function. */
export type Documents = (entry: FunctionEntry, trigger: string) => FetchDocument;

/** The documents of one thread. */
export function createDocuments(sources: DocumentSources): Documents {
  const triggers = new Map<string, TriggerDocuments>();
  return (entry, trigger) => {
    const key = JSON.stringify([entry.namespaceUid, entry.name, trigger]);
    let own = triggers.get(key);
    if (own === undefined) {
      own = { documents: new Map(), pending: new Map(), began: [], tail: Promise.resolve() };
      dropOldest(triggers, maxTriggers);
      triggers.set(key, own);
    }
    const kept = own;
    return async (url, refresh = false) => fetchCached(sources, entry, kept, url, refresh);
  };
}

async function fetchCached(
  sources: DocumentSources,
  entry: FunctionEntry,
  own: TriggerDocuments,
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
  own.began = own.began.filter((began) => now - began < againMs);
  // A document that has come before is asked for again whatever strangers name: theirs use up the rest only.
  if (own.began.length >= fetchesPerMinute && cached?.result.ok !== true) {
    return { ok: false, message: `more than ${fetchesPerMinute} documents in a minute` };
  }
  own.began = [...own.began, now];
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
