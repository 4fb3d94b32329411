/** One watch from a version until it ends, however it ends. */
import { errorMessage } from '../failures/error-message.ts';
import type { Clock } from './clock.ts';
import { failureOf, type KubeFailure } from './kube-answer.ts';
import type { KubeClient } from './kube-client.ts';
import { isKubeObject, type KubeObject } from './kube-object.ts';
import { requestOf, selectorsOf, type Collection } from './list-pages.ts';

export interface WatchOptions {
  readonly client: KubeClient;
  readonly collection: Collection;
  readonly clock: Clock;
  /** The version to go on from. */
  readonly version: string;
  /** The server is asked to end it after so long. */
  readonly serverTimeoutMs: number;
  /** No line for so long: given up. */
  readonly stallMs: number;
  /** Given up after so long, whatever comes. */
  readonly mostMs: number;
  readonly signal: AbortSignal;
  onOpen(): void;
  /** Called in the order of the lines; does no work of its own. */
  onEvent(event: WatchEvent): void;
}

export type WatchEvent =
  | { readonly kind: 'set' | 'delete'; readonly object: KubeObject }
  /** Nothing before this version is missing. */
  | { readonly kind: 'bookmark'; readonly version: string };

export type WatchEnd = { readonly lines: number; readonly livedMs: number } & (
  | { readonly kind: 'ended' }
  /** Silent for too long. */
  | { readonly kind: 'stalled' }
  /** It lived as long as it may. */
  | { readonly kind: 'due' }
  | { readonly kind: 'stopped' }
  /** The version is too old, or from a future that did not happen. */
  | { readonly kind: 'expired' }
  | { readonly kind: 'failed'; readonly failure: KubeFailure }
);

interface Line {
  readonly type?: unknown;
  readonly object?: unknown;
}

/** Resolves when the watch is over, and never rejects. */
export async function watchOnce(options: WatchOptions): Promise<WatchEnd> {
  const { client, collection, clock, version, serverTimeoutMs, stallMs, signal } = options;
  const started = clock.now();
  let lines = 0;
  const end = <End extends object>(how: End): End & { readonly lines: number; readonly livedMs: number } => ({
    ...how,
    lines,
    livedMs: clock.now() - started,
  });
  const opened = await client.stream({
    ...requestOf(collection, signal, 'watch'),
    query: {
      ...selectorsOf(collection),
      watch: true,
      resourceVersion: version,
      allowWatchBookmarks: true,
      timeoutSeconds: Math.ceil(serverTimeoutMs / 1000),
    },
  });
  if (signal.aborted) {
    if (opened.ok) opened.body.close();
    return end({ kind: 'stopped' });
  }
  if (!opened.ok) return end(isExpired(opened) ? { kind: 'expired' } : { kind: 'failed', failure: opened });

  const stream = opened.body;
  options.onOpen();
  const over = new AbortController();
  const onAbort = (): void => stream.close();
  signal.addEventListener('abort', onAbort, { once: true });
  let lastLine = clock.now();
  let givenUp: 'stalled' | 'due' | undefined;
  const guard = (async () => {
    while (!over.signal.aborted) {
      const now = clock.now();
      const quietMs = stallMs - (now - lastLine);
      const dueMs = options.mostMs - (now - started);
      if (quietMs <= 0 || dueMs <= 0) {
        givenUp = dueMs <= 0 ? 'due' : 'stalled';
        stream.close();
        return;
      }
      await clock.sleep(Math.min(quietMs, dueMs), over.signal);
    }
  })();
  try {
    for await (const text of stream.lines) {
      lines += 1;
      lastLine = clock.now();
      const read = readLine(text);
      if (read.kind === 'failure') {
        return end(isExpired(read.failure) ? { kind: 'expired' } : { kind: 'failed', failure: read.failure });
      }
      options.onEvent(read);
    }
    return end({ kind: signal.aborted ? 'stopped' : (givenUp ?? 'ended') });
  } catch (error) {
    if (signal.aborted) return end({ kind: 'stopped' });
    if (givenUp !== undefined) return end({ kind: givenUp });
    const message = errorMessage(error);
    return end({ kind: 'failed', failure: { ok: false, status: 0, reason: 'Unreachable', message } });
  } finally {
    over.abort();
    signal.removeEventListener('abort', onAbort);
    stream.close();
    await guard;
  }
}

type ReadLine = WatchEvent | { readonly kind: 'failure'; readonly failure: KubeFailure };

function readLine(text: string): ReadLine {
  let line: Line | null;
  try {
    line = JSON.parse(text) as Line | null;
  } catch {
    return garbled('a line of the watch is no JSON');
  }
  const object = line?.object;
  if (line?.type === 'ERROR') {
    const { code } = object as { readonly code?: unknown };
    return { kind: 'failure', failure: failureOf(typeof code === 'number' ? code : 0, JSON.stringify(object)) };
  }
  if (line?.type === 'BOOKMARK') {
    const version = (object as Partial<KubeObject> | undefined)?.metadata?.resourceVersion;
    return typeof version === 'string' ? { kind: 'bookmark', version } : garbled('a bookmark names no version');
  }
  if (!isKubeObject(object)) return garbled('a line of the watch holds no object');
  if (line?.type === 'ADDED' || line?.type === 'MODIFIED') return { kind: 'set', object };
  if (line?.type === 'DELETED') return { kind: 'delete', object };
  return garbled(`a line of the watch is of the unknown type ${String(line?.type)}`);
}

function garbled(message: string): ReadLine {
  return { kind: 'failure', failure: { ok: false, status: 0, reason: 'Garbled', message } };
}

function isExpired({ status, reason }: KubeFailure): boolean {
  return status === 410 || reason === 'Expired' || reason === 'Gone' || reason === 'ResourceVersionTooLarge';
}
