/** Calls of a cluster as they come: a watch of `calls`, or logs asked for again and again, until the signal. */
import type { PlainCall } from './call-lines.ts';
import type { ClusterDesk } from './ask-cluster.ts';
import { readWatchLine } from './check-answer.ts';
import type { Answered } from './dev-client.ts';
import { plainCall, queryOfCalls } from './plain-objects.ts';
import type { CallQuery, PlainObject, Query } from './run-client.ts';

type PathOf = (resource: string, place: ReturnType<typeof queryOfCalls>['path']) => string;

type Listed = {
  readonly metadata: { readonly cursor?: string; readonly resourceVersion?: string };
  readonly items: readonly PlainObject[];
};

/** The first answer says whether it may be followed at all. */
export async function followClusterCalls(
  desk: ClusterDesk,
  pathOf: PathOf,
  query: CallQuery,
  signal: AbortSignal,
): Promise<Answered<AsyncIterable<PlainCall>>> {
  const { path, parameters } = queryOfCalls(query);
  const { limit: _limit, ...fields } = parameters;
  const place = pathOf(path.resource, path);
  const logs = path.subresource === 'logs';
  const first = await desk.ask({
    path: place,
    query: { ...fields, ...(logs ? { follow: '' } : { limit: '1' }) },
    signal,
  });
  if (!first.ok) return first;
  const { cursor = '', resourceVersion = '' } = (first.value as Listed).metadata;
  return {
    ok: true,
    value: logs
      ? followLogs(desk, place, fields, cursor, signal)
      : watchCalls(desk, place, fields, resourceVersion, signal),
  };
}

async function* followLogs(
  desk: ClusterDesk,
  path: string,
  fields: Query,
  first: string,
  signal: AbortSignal,
): AsyncGenerator<PlainCall> {
  let cursor = first;
  while (!signal.aborted) {
    const next = await desk.ask({ path, query: { ...fields, follow: cursor }, signal });
    if (signal.aborted) return;
    if (!next.ok) throw new Error(next.message);
    const { metadata, items } = next.value as Listed;
    cursor = metadata.cursor ?? cursor;
    yield* items.map(plainCall);
  }
}

async function* watchCalls(
  desk: ClusterDesk,
  path: string,
  fields: Query,
  first: string,
  signal: AbortSignal,
): AsyncGenerator<PlainCall> {
  let resourceVersion = first;
  const told = new Set<string>();
  while (!signal.aborted) {
    const query = { ...fields, watch: 'true', resourceVersion };
    const stream = await desk.stream({ path, query, signal });
    if (!stream.ok) throw new Error(stream.message);
    for await (const line of stream.value) {
      if (line.trim() === '') continue;
      const { name, object } = readWatchLine(line, path);
      const { resourceVersion: version } = object['metadata'] as { readonly resourceVersion?: string };
      resourceVersion = version ?? resourceVersion;
      // A watch that begins again tells of the last moment once more.
      if (told.has(name)) continue;
      if (told.size > 10_000) told.clear();
      told.add(name);
      yield plainCall(object);
    }
  }
}
