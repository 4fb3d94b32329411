/** `calls`, and what functions logged: records out of the stores, what runs now, and both as they come. */
import type { AskedNamespace, RecordDepth } from '../../link/live-questions.ts';
import { believeCalls, servedBy } from './believe-rows.ts';
import { isRefusal, refusal, type Refusal } from './api-status.ts';
import type { Answered, ApiObject, ApiParts, Asking, Fields, Handler, WatchEvent } from './handler.ts';
import { runVersion } from './read-path.ts';
import { formatPosition, readListQuery, type ListQuery } from './read-query.ts';
import { anyName } from './resource-catalogue.ts';

const known = ['id', 'function', 'subscription', 'trigger', 'outcome', 'logged', 'running'];
/** Of one answer; older ones are asked for by narrower selectors. */
const mostCalls = 1_000;
const watchMs = 20_000;
/** Several runtimes are asked one round after the other: none waits long for another. */
const sharedWatchMs = 1_000;
const longestWatchMs = 600_000;

export const listCalls: Handler = (parts, asking) => listRecords(parts, asking, 'outline', {});

/** Of one function, or of all (`-`): those that logged something or ended with an error. */
export const readLogs: Handler = (parts, asking) => listOrFollow(parts, asking, 'logs', { logged: 'true' });

/** Everything that is kept of calls. */
export const readRecords: Handler = (parts, asking) => listOrFollow(parts, asking, 'full', {});

export const getCall: Handler = async (parts, asking) => {
  const { namespace, name = '' } = asking.request;
  const missing = refusal(404, `calls.run.moonhook.dev "${name}" not found`, {
    details: { name, group: 'run.moonhook.dev', kind: 'calls' },
  });
  if (namespace === undefined) return refusal(400, 'a call is named within a namespace');
  const own = await parts.namespaceOf(namespace);
  if (isRefusal(own)) return own;
  const found = await findCalls(parts, own, { id: name }, 'outline', 100, asking.signal);
  if (isRefusal(found)) return found;
  const call = found.find(({ metadata }) => metadata.name === name);
  return call === undefined ? missing : { kind: 'object', object: call };
};

function listOrFollow(
  parts: ApiParts,
  asking: Asking,
  depth: RecordDepth,
  more: Readonly<Record<string, string>>,
): Promise<Answered | Refusal> {
  const { name = anyName, query } = asking.request;
  const own = name === anyName ? more : { ...more, function: name };
  return query.has('follow') ? followRecords(parts, asking, depth, own) : listRecords(parts, asking, depth, own);
}

interface Chosen extends ListQuery {
  readonly namespace: AskedNamespace | undefined;
  /** In the terms of the runtimes. */
  readonly question: Readonly<Record<string, string>>;
}

/** `'none'`: there is no such namespace. */
async function choose(
  parts: ApiParts,
  { request }: Asking,
  more: Readonly<Record<string, string>>,
): Promise<Chosen | Refusal | 'none'> {
  const query = readListQuery(request, known);
  if (isRefusal(query)) return query;
  if (query.position !== undefined) return refusal(400, 'calls have no pages: narrow the question instead');
  const { function: own, ...fields } = { ...query.fields, ...more } as Record<string, string>;
  if ('function' in more && 'function' in query.fields && more['function'] !== query.fields['function']) {
    return refusal(400, 'the path names another function');
  }
  const namespace = request.namespace === undefined ? undefined : await parts.namespaceOf(request.namespace);
  if (namespace !== undefined && isRefusal(namespace)) return namespace.status === 404 ? 'none' : namespace;
  return { ...query, namespace, question: { ...fields, ...(own === undefined ? {} : { name: own }) } };
}

async function listRecords(
  parts: ApiParts,
  asking: Asking,
  depth: RecordDepth,
  more: Readonly<Record<string, string>>,
): Promise<Answered | Refusal> {
  const chosen = await choose(parts, asking, more);
  const metadata = { resourceVersion: String(parts.wall()) };
  if (chosen === 'none') return listOf([], metadata);
  if (isRefusal(chosen)) return chosen;
  const { namespace, question, limit } = chosen;
  if (question['running'] === 'true') {
    const scope = namespace === undefined ? {} : { namespace };
    const { running: _running, ...query } = question;
    const pages = await Promise.all(
      parts.groupsOf(namespace).map(async (group) => {
        const said = await parts.runtimes.queryEach([group], { op: 'running', ...scope, query }, asking.signal);
        return said.flatMap((body) => callsOf(parts, group, { namespace, question: query }, body));
      }),
    );
    const calls = pages.flat();
    return listOf(
      calls.toSorted((one, other) => Number(one['time']) - Number(other['time'])).slice(0, limit),
      metadata,
    );
  }
  const found = await findCalls(parts, namespace, question, depth, Math.min(limit, mostCalls), asking.signal);
  return isRefusal(found) ? found : listOf(found, metadata);
}

async function findCalls(
  parts: ApiParts,
  namespace: AskedNamespace | undefined,
  question: Readonly<Record<string, string>>,
  depth: RecordDepth,
  limit: number,
  signal: AbortSignal,
): Promise<readonly ApiObject[] | Refusal> {
  const groups = parts.groupsOf(namespace);
  if (groups.length === 0) return noRuntime;
  const scope = namespace === undefined ? {} : { namespace };
  const query = { ...question, limit: String(limit) };
  const pages = await Promise.all(
    groups.map(async (group) => ({
      group,
      asked: await parts.runtimes.query(group, { op: 'calls', ...scope, query, depth }, signal),
    })),
  );
  const calls: ApiObject[] = [];
  for (const { group, asked } of pages) {
    if (!asked.ok) return asked.refusal;
    calls.push(...callsOf(parts, group, { namespace, question }, asked.body));
  }
  return calls.toSorted((one, other) => Number(other['time']) - Number(one['time'])).slice(0, limit);
}

/** What came since the answer before, whose `metadata.cursor` is `follow` now; waits a while for the first. */
async function followRecords(
  parts: ApiParts,
  asking: Asking,
  depth: RecordDepth,
  more: Readonly<Record<string, string>>,
): Promise<Answered | Refusal> {
  const chosen = await choose(parts, asking, more);
  if (chosen === 'none') return refusal(404, 'there is no such namespace');
  if (isRefusal(chosen)) return chosen;
  const cursors = readCursors(asking.request.query.get('follow') ?? '');
  if (cursors === undefined) return refusal(400, 'follow must be what the answer before had as metadata.cursor');
  const { calls, cursor, gap } = await nextCalls(parts, chosen, depth, cursors, asking.signal);
  return listOf(calls, { cursor: formatPosition(cursor), ...(gap ? { gap: true } : {}) });
}

export const watchCalls: Handler = async (parts, asking) => {
  const chosen = await choose(parts, asking, {});
  if (chosen === 'none') return refusal(404, 'there is no such namespace');
  if (isRefusal(chosen)) return chosen;
  return { kind: 'watch', events: watchEvents(parts, asking, chosen) };
};

async function* watchEvents(parts: ApiParts, asking: Asking, chosen: Chosen): AsyncGenerator<WatchEvent> {
  const { request, signal } = asking;
  const { namespace, question } = chosen;
  const seconds = Number(request.query.get('timeoutSeconds') ?? '');
  const until = parts.wall() + Math.min(seconds > 0 ? seconds * 1_000 : longestWatchMs, longestWatchMs);
  const since = Number(request.query.get('resourceVersion') ?? '') || 0;
  // First the follower, then what is there: nothing falls between.
  let { cursor } = await nextCalls(parts, chosen, 'outline', {}, signal);
  const before = await findCalls(parts, namespace, question, 'outline', Math.min(chosen.limit, mostCalls), signal);
  const told = new Set<string>();
  for (const call of isRefusal(before) ? [] : before.toReversed()) {
    if (Number(call['time']) < since) continue;
    told.add(call.metadata.name);
    yield { type: 'ADDED', object: versioned(call) };
  }
  while (!signal.aborted && parts.wall() < until) {
    const next = await nextCalls(parts, chosen, 'outline', cursor, signal, until - parts.wall());
    cursor = next.cursor;
    for (const call of next.calls) {
      if (!told.delete(call.metadata.name)) yield { type: 'ADDED', object: versioned(call) };
    }
  }
}

interface NextCalls {
  readonly calls: readonly ApiObject[];
  /** By pod of a runtime. */
  readonly cursor: Readonly<Record<string, string>>;
  readonly gap: boolean;
}

async function nextCalls(
  parts: ApiParts,
  { namespace, question }: Chosen,
  depth: RecordDepth,
  cursors: Readonly<Record<string, string>>,
  signal: AbortSignal,
  leftMs = watchMs,
): Promise<NextCalls> {
  const groups = parts.groupsOf(namespace);
  const pods = groups.flatMap((group) => parts.runtimes.pods([group]).map((podUid) => ({ group, podUid })));
  const scope = namespace === undefined ? {} : { namespace };
  const waitMs = Math.max(0, Math.min(leftMs, pods.length === 1 ? watchMs : sharedWatchMs));
  const said = await Promise.all(
    pods.map(async ({ podUid, group }) => {
      const cursor = cursors[podUid] ?? '';
      const asked = await parts.runtimes.queryPod(
        podUid,
        { op: 'follow', ...scope, query: question, depth, cursor, waitMs },
        signal,
      );
      return { podUid, group, cursor, asked };
    }),
  );
  // Nobody who answers: not in a hurry, or this goes in a circle.
  if (!said.some(({ asked }) => asked.ok)) await parts.sleep(sharedWatchMs, signal);
  const next: Record<string, string> = {};
  const calls: ApiObject[] = [];
  let gap = false;
  for (const { podUid, group, cursor, asked } of said) {
    next[podUid] = asked.ok ? String(asked.body['cursor']) : cursor;
    if (!asked.ok) continue;
    calls.push(...callsOf(parts, group, { namespace, question }, asked.body));
    gap ||= asked.body['gap'] === true;
  }
  const ordered = calls.toSorted((one, other) => Number(one['time']) - Number(other['time']));
  return { calls: ordered, cursor: next, gap };
}

/** What is believed of the calls in an answer. */
function callsOf(
  parts: ApiParts,
  group: string,
  { namespace, question }: Pick<Chosen, 'namespace' | 'question'>,
  body: Fields,
): readonly ApiObject[] {
  const serves = servedBy(parts, group);
  const { rows, refused } = believeCalls(body['calls'], { namespace, question, serves });
  if (refused > 0) parts.onRefusedRows(group, refused);
  return rows.map(callObject);
}

function readCursors(text: string): Readonly<Record<string, string>> | undefined {
  if (text === '') return {};
  const read = readListQuery({ verb: 'list', resource: 'calls', query: new URLSearchParams({ continue: text }) }, []);
  return isRefusal(read) ? undefined : read.position;
}

/** The record's own `kind` is `via` here: an object's kind is what it is. */
export function callObject({ kind, ...record }: Fields): ApiObject {
  const { callId, namespace, time } = record;
  return {
    apiVersion: runVersion,
    kind: 'Call',
    metadata: {
      name: String(callId),
      ...(typeof namespace === 'string' ? { namespace } : {}),
      creationTimestamp: new Date(Number(time)).toISOString(),
    },
    via: kind,
    ...record,
  };
}

function versioned(call: ApiObject): ApiObject {
  return { ...call, metadata: { ...call.metadata, resourceVersion: String(Math.floor(Number(call['time']))) } };
}

function listOf(items: readonly ApiObject[], metadata: Fields): Answered {
  return { kind: 'list', list: { apiVersion: runVersion, kind: 'CallList', metadata, items } };
}

const noRuntime = refusal(503, 'no runtime has a link to this controller: see the pods of the installation', {
  retryAfterSeconds: 1,
});
