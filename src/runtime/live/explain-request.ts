/** What would happen to a request that was not sent: which route takes it, and whether its sender verifies. Nothing runs. */
import { createRouteIndex, type RequestMatch, type RouteTarget } from '../../routing/match-request.ts';
import { receivers } from '../../receivers/catalogue.ts';
import { verifyCapture } from '../../receivers/verify-capture.ts';
import { explainMatch, type MatchStep } from '../../triggers/explain-match.ts';
import type { Step } from '../../receivers/types.ts';
import type { LiveAnswer } from '../../link/live-questions.ts';
import type { LiveView } from './live-view.ts';

const ok = (body: unknown): LiveAnswer => ({ status: 200, body });
const bad = (message: string): LiveAnswer => ({ status: 400, message });

/** A request that was not sent, as `explain FUNCTION REQUEST` describes it. */
export interface SupposedRequest {
  readonly method: string;
  /** Path and query, or a whole URL. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly body?: string;
  readonly bodyBase64?: string;
}

/** The function that is asked about, and where its triggers are mounted. */
export interface ExplainedFunction {
  readonly uid: string;
  readonly urls: readonly { readonly trigger: string; readonly url: string }[];
}

/**
 * Without a subject: whichever function takes it. Key sets and certificates are fetched as for a real request: from the host
 * the receiver names, a few times a minute. `border`: UID of the only namespace whose names are told.
 */
export async function explainRequest(
  view: LiveView,
  subject: ExplainedFunction | undefined,
  request: SupposedRequest,
  border?: string,
): Promise<LiveAnswer> {
  const url = URL.parse(request.url, 'http://localhost');
  if (url === null || typeof request.method !== 'string') return bad('a request has a method and a url');
  const absolute = /^https?:/i.test(request.url);
  const hostHeader = Object.entries(request.headers ?? {}).find(([header]) => header.toLowerCase() === 'host')?.[1];
  const host = typeof hostHeader === 'string' ? hostHeader : absolute ? url.host : undefined;
  const index = createRouteIndex<undefined>();
  const { functions } = view.table();
  for (const entry of functions.values()) index.set(entry, undefined);
  const method = request.method.toUpperCase();
  const target = absolute ? `${url.pathname}${url.search}` : request.url;
  const match = index.match({ method, host, target });
  if (border !== undefined) {
    const taken = match.kind !== 'none' && match.kind !== 'invalid';
    if (taken && match.target.entry.namespaceUid !== border) {
      return ok({ match: match.kind, lines: [`${method} ${target}`, ...foreignLines(subject)] });
    }
    // Hints name what is near: only of one's own.
    for (const [uid, entry] of functions) if (entry.namespaceUid !== border) index.delete(uid);
  }
  const lines = [
    `${method} ${target}`,
    ...matchLines(match, subject, explainMatch(index.routes, host, target, method)),
  ];
  if (match.kind === 'none' || match.kind === 'invalid') return ok({ match: match.kind, lines });
  const { namespace, name, uid } = match.target.entry;
  const taker = { namespace, name, trigger: match.target.trigger.name };
  if (match.kind !== 'found' || (subject !== undefined && uid !== subject.uid)) {
    return ok({ match: match.kind, taker, lines });
  }
  const { verdict, told } = await judgeSender(view, match.target, request);
  return ok({ match: 'found', taker, ...(verdict === undefined ? {} : { verdict }), lines: [...lines, ...told] });
}

/** Whether the sender of the request verifies, and what is told of it; without a verdict it is not even asked. */
async function judgeSender(
  view: LiveView,
  { entry, trigger, route }: RouteTarget<undefined>,
  request: SupposedRequest,
): Promise<{ readonly verdict?: string; readonly told: readonly string[] }> {
  const { receiver, publicUrl, unresolved } = trigger;
  if (unresolved !== undefined) {
    return { told: [`  stop ${unresolved.reason}: ${unresolved.message}: answers 503`] };
  }
  const judged = await verifyCapture(
    request,
    { name: receiver.name, fields: receiver.fields },
    {
      secrets: receiver.secrets.map(decode),
      named: new Map(Object.entries(receiver.namedSecrets ?? {}).map(([path, secret]) => [path, decode(secret)])),
    },
    {
      nowMs: view.now(),
      publicUrl,
      route: route.path,
      fetchDocument: view.documents(entry, trigger.name, loopback),
    },
  );
  if (!judged.ok) return { told: [`  ${judged.message}`] };
  const { verdict, reason, steps, hints, event, decision } = judged.result;
  const end =
    verdict === 'verified'
      ? `  verified${event === undefined ? '' : `, event ${event}`}${decision === undefined ? '' : `, ${decision}`}`
      : `  ${verdict}${reason === undefined ? '' : ` (${reason})`}`;
  const guide = receivers.get(receiver.name)?.guide;
  const replay = verdict === 'verified' && guide !== undefined ? [`  protection against replay: ${guide.replay}`] : [];
  return { verdict, told: [...steps.map(stepLine), end, ...replay, ...hints.map((hint) => `  hint: ${hint}`)] };
}

const stepLine = ({ step, ok: good, detail }: MatchStep | Step): string =>
  `  ${good ? 'ok  ' : 'stop'} ${step}: ${detail}`;

const mountedAt = (subject: ExplainedFunction | undefined): readonly string[] =>
  (subject?.urls ?? []).map(({ trigger, url }) => `       ${trigger}: ${url}`);

const foreignLines = (subject: ExplainedFunction | undefined): readonly string[] => [
  '  stop a function of another namespace takes it; this one is mounted at',
  ...mountedAt(subject),
];

function matchLines(
  match: RequestMatch<undefined>,
  subject: ExplainedFunction | undefined,
  steps: readonly MatchStep[],
): readonly string[] {
  const routes = mountedAt(subject);
  if (match.kind === 'invalid') return [`  stop the path is not in canonical form: ${match.reason}: answers 400`];
  if (match.kind === 'none') {
    return [
      ...steps.map(stepLine),
      ...(subject === undefined ? ['  answers 404'] : ['  answers 404; this function is mounted at', ...routes]),
    ];
  }
  const { entry, trigger, route } = match.target;
  if (match.kind === 'method')
    return [`  stop the route ${route.path} takes ${match.allow.join(', ')} only: answers 405`];
  if (match.kind === 'preflight') {
    return [`  ok   a CORS preflight of trigger ${trigger.name}: ${match.allowed ? 'allowed' : 'refused'}`];
  }
  const line = `trigger ${trigger.name} by route ${route.path}`;
  if (subject === undefined) return [`  ok   ${entry.namespace}/${entry.name}, ${line}`];
  if (entry.uid === subject.uid) return [`  ok   ${line}`];
  return [
    `  stop another function takes it: ${entry.namespace}/${entry.name}, ${line}; this one is mounted at`,
    ...routes,
  ];
}

const loopback = '127.0.0.1';

const decode = (secret: string): Uint8Array => Buffer.from(secret, 'base64');
