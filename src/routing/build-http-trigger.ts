/** An HTTP trigger of the table: its routes placed, its receiver prepared, its secrets resolved and weighed. */
import { parseDuration } from '../function/duration.ts';
import type { HttpTrigger, Trigger } from '../function/types.ts';
import { didYouMean } from '../function/suggest.ts';
import { checkAmount } from '../policy/resolve-limits.ts';
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import { checkSecrets } from '../receivers/check-secrets.ts';
import type { PreparedReceiver } from '../receivers/types.ts';
import type { BuildContext, BuiltTrigger } from './build-context.ts';
import { placeRoutes, type PlacedRoutes } from './place-routes.ts';
import { notAccepted, notResolved, unresolvedBy } from './problem.ts';
import { readCallback } from './read-callback.ts';
import type { DebounceEntry, DedupEntry, HttpTriggerEntry, Problem } from './types.ts';

/** How long a duplicate is recognised where nobody says otherwise. */
const defaultDedupWindowMs = 72 * 3_600_000;

type Base = Pick<HttpTriggerEntry, 'name' | 'handlers' | 'filter' | 'limits' | 'retryScheduleMs'>;

/** Builds `spec.triggers[…].http`; what is wrong closes the trigger and is said. */
export function buildHttpTrigger(
  trigger: Trigger,
  http: HttpTrigger,
  base: Base,
  path: string,
  context: BuildContext,
): BuiltTrigger<HttpTriggerEntry> {
  const receiver = buildReceiver(http, `${path}.receiver`, context);
  const placed = placeRoutes(trigger.name, http, path, context, receiver.prepared?.credentialParams ?? []);
  const mode = http.mode ?? receiver.prepared?.profile.defaultMode ?? 'sync';
  const callback = http.callback && readCallback(http.callback, `${path}.callback`, context);
  const times = checkTimes(http, mode, base, path, context.policy);
  // A route or callback at fault closes itself; anything else closes the trigger.
  const closing = [...receiver.problems, ...times.problems];
  const problems = [...closing, ...placed.problems, ...(callback?.problems ?? [])];
  const unresolved = unresolvedBy(closing) ?? (placed.routes.length === 0 ? unresolvedBy(placed.problems) : undefined);
  const usedCallback = callback === undefined ? context.callback : callback.entry;
  const entry: HttpTriggerEntry = {
    kind: 'http',
    ...base,
    routes: placed.routes,
    publicUrl: placed.publicUrl,
    receiver: receiver.entry,
    mode,
    publish: http.publish ?? false,
    ...(http.ackAfter === undefined ? {} : { ackAfterMs: parseDuration(http.ackAfter) ?? 0 }),
    ...(http.cors === undefined ? {} : { cors: corsEntry(http.cors, placed) }),
    ...(http.rate === undefined ? {} : { rate: rateEntry(http.rate) }),
    ...(http.dedup === undefined
      ? {}
      : { dedup: dedupEntry(http.dedup, receiver.prepared?.profile.duplicateWindowMs ?? defaultDedupWindowMs) }),
    ...(http.concurrency === undefined ? {} : { concurrency: http.concurrency }),
    ...(http.debounce === undefined ? {} : { debounce: debounceEntry(http.debounce) }),
    ...(usedCallback === undefined ? {} : { callback: usedCallback }),
    ...(unresolved === undefined ? {} : { unresolved }),
  };
  return {
    entry,
    claims: placed.claims,
    problems,
    warnings: [...receiver.warnings, ...times.warnings, ...methodWarnings(placed, receiver, path)],
  };
}

/** A sender whose check of the URL is answered 405 refuses to deliver anything. */
function methodWarnings(placed: PlacedRoutes, { prepared }: BuiltReceiver, path: string): readonly string[] {
  const { handshakeMethods = [], title = '' } = prepared?.profile ?? {};
  return placed.routes.flatMap(({ path: route, methods }) => {
    const missing = handshakeMethods.filter((method) => methods.length > 0 && !methods.includes(method));
    if (missing.length === 0) return [];
    return [`${path}.methods: ${title} checks the URL with ${missing.join(' and ')}, which ${route} does not take`];
  });
}

interface BuiltReceiver {
  readonly entry: HttpTriggerEntry['receiver'];
  readonly prepared?: PreparedReceiver;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

const noFields: Readonly<Record<string, unknown>> = {};
const noSecrets: readonly string[] = [];

function buildReceiver(http: HttpTrigger, path: string, context: BuildContext): BuiltReceiver {
  const [name = '', ...others] = Object.keys(http.receiver);
  const { secretRefs = [], events, ...fields } = Object.hasOwn(http.receiver, name) ? (http.receiver[name] ?? {}) : {};
  const at = `${path}.${name}`;
  const given = Object.keys(fields).length === 0 ? noFields : fields;
  const empty = { name, fields: given, secrets: noSecrets, ...(events === undefined ? {} : { events }) };
  const definition = context.receivers.get(name);
  if (others.length > 0 || definition === undefined) {
    const hint = didYouMean(name, context.receivers.keys());
    const message =
      others.length > 0 || name === ''
        ? 'name exactly one receiver; open: {} lets anyone call'
        : `there is no receiver "${name}"${hint === undefined ? '' : `: ${hint}`}`;
    return { entry: empty, problems: [notAccepted('ReceiverUnknown', path, message)], warnings: [] };
  }
  const prepared = definition.prepare(fields);
  if (!prepared.ok) {
    const problems = prepared.mistakes.map((mistake) =>
      notAccepted('ReceiverInvalid', mistake.path === '' ? at : `${at}.${mistake.path}`, mistake.message),
    );
    return { entry: empty, problems, warnings: [] };
  }
  const problems: Problem[] = [];
  const secrets: Uint8Array[] = [];
  secretRefs.forEach((reference, index) => {
    const read = context.reader.secretValue(reference, `${at}.secretRefs[${index}]`);
    if (read.ok) secrets.push(read.value);
    else problems.push(read.problem);
  });
  const named = new Map<string, Uint8Array>();
  for (const field of definition.secretFields?.(fields) ?? []) {
    const read = context.reader.secretValue(field.reference, `${at}.${field.path}`);
    if (read.ok) named.set(field.path, read.value);
    else problems.push(read.problem);
  }
  if (problems.length === 0) {
    const problem = checkSecrets(prepared.receiver, { secrets, named }, context.policy);
    // A receiver that names too few secrets is the resource's own mistake, not a reference that does not resolve.
    if (problem?.reason === 'SecretMissing') problems.push(notAccepted('ReceiverInvalid', at, problem.message));
    else if (problem !== undefined) problems.push(notResolved(problem.reason, at, problem.message));
  }
  const complete = problems.length === 0;
  const entry = {
    ...empty,
    // Some of several secrets are not enough to go on with: the trigger is closed until all are there.
    secrets: complete && secrets.length > 0 ? secrets.map(base64) : noSecrets,
    ...(complete && named.size > 0
      ? { namedSecrets: Object.fromEntries([...named].map(([field, value]) => [field, base64(value)])) }
      : {}),
  };
  const warnings = [
    ...prepared.receiver.warnings.map((warning) => `${at}: ${warning}`),
    ...(complete ? newlineWarnings(secrets, at) : []),
  ];
  return { entry, prepared: prepared.receiver, problems, warnings };
}

/** A line end at the end of a secret is nearly always one that `kubectl create secret --from-file` took along. */
function newlineWarnings(secrets: readonly Uint8Array[], path: string): readonly string[] {
  return secrets.flatMap((secret, index) =>
    secret.at(-1) === 0x0a
      ? [`${path}.secretRefs[${index}]: the secret ends with a line break, which counts as part of it`]
      : [],
  );
}

function checkTimes(
  http: HttpTrigger,
  mode: 'sync' | 'async',
  base: Base,
  path: string,
  policy: InstallationPolicy,
): { readonly problems: readonly Problem[]; readonly warnings: readonly string[] } {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  if (http.ackAfter !== undefined) {
    const at = `${path}.ackAfter`;
    const amount = checkAmount(http.ackAfter, 'duration', policy.ceilings.ackAfterMs, at);
    if (!amount.ok) problems.push(notAccepted(amount.problem.reason, at, amount.problem.message));
    else if (mode === 'async') {
      const message = 'ackAfter is for mode: sync; this trigger is asynchronous and acknowledges at once';
      problems.push(notAccepted('Invalid', at, message));
    } else if (amount.amount >= base.limits.timeoutMs) {
      warnings.push(`${at}: never reached, the timeout of ${base.limits.timeoutMs} ms comes first`);
    }
  }
  if (http.debounce !== undefined && mode === 'sync') {
    const message = 'debounce needs mode: async; a synchronous caller waits for its answer';
    problems.push(notAccepted('Invalid', `${path}.debounce`, message));
  }
  if (http.dedup !== undefined && mode === 'sync' && http.ackAfter === undefined) {
    const message = 'dedup needs mode: async, or ackAfter: a synchronous call keeps no record of ids';
    problems.push(notAccepted('Invalid', `${path}.dedup`, message));
  }
  if (http.dedup?.window !== undefined) {
    const at = `${path}.dedup.window`;
    const amount = checkAmount(http.dedup.window, 'duration', policy.ceilings.dedupWindowMs, at);
    if (!amount.ok) problems.push(notAccepted(amount.problem.reason, at, amount.problem.message));
  }
  return { problems, warnings };
}

function corsEntry(
  cors: NonNullable<HttpTrigger['cors']>,
  placed: PlacedRoutes,
): NonNullable<HttpTriggerEntry['cors']> {
  const maxAge = cors.maxAge === undefined ? undefined : parseDuration(cors.maxAge);
  return {
    origins: cors.origins,
    methods: cors.methods ?? [...new Set(placed.routes.flatMap(({ methods }) => methods))],
    headers: cors.headers ?? [],
    credentials: cors.credentials ?? false,
    ...(maxAge === undefined ? {} : { maxAgeSeconds: Math.floor(maxAge / 1000) }),
  };
}

function rateEntry(rate: NonNullable<HttpTrigger['rate']>): NonNullable<HttpTriggerEntry['rate']> {
  return {
    requests: rate.requests,
    perMs: parseDuration(rate.per) ?? 1000,
    ...(rate.key === undefined ? {} : { key: rate.key }),
  };
}

/** `dedup` of any trigger, with the window that applies where it names none. */
export function dedupEntry(
  dedup: NonNullable<HttpTrigger['dedup']>,
  windowMs: number = defaultDedupWindowMs,
): DedupEntry {
  const window = dedup.window === undefined ? undefined : parseDuration(dedup.window);
  return { windowMs: window ?? windowMs, ...(dedup.key === undefined ? {} : { key: dedup.key }) };
}

/** `debounce` of any trigger. */
export function debounceEntry(debounce: NonNullable<HttpTrigger['debounce']>): DebounceEntry {
  const maxWaitMs = debounce.maxWait === undefined ? undefined : parseDuration(debounce.maxWait);
  return {
    waitMs: parseDuration(debounce.wait) ?? 0,
    ...(maxWaitMs === undefined ? {} : { maxWaitMs }),
    ...(debounce.key === undefined ? {} : { key: debounce.key }),
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
