/** What the API server answers, as data: a refusal or a failure is a value with a stable reason, never an exception. */
import { isKubeObject, type KubeObject } from './kube-object.ts';

export interface KubeRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Every segment encoded: see `resourcePath`. */
  readonly path: string;
  /** Members that are undefined are left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** JSON that is sent as it is, instead of `body`. */
  readonly bodyText?: string;
  /** Of a patch. */
  readonly contentType?: string;
  readonly accept?: string;
  /** User name to act as: `system:serviceaccount:NAMESPACE:NAME`. */
  readonly impersonate?: string;
  /** For the whole call; 30 seconds by default. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface KubeFailure {
  readonly ok: false;
  /** HTTP status; 0: there was no whole answer. */
  readonly status: number;
  /** Of the API server's Status (`NotFound`, `Conflict`, `Forbidden` …), else `Unreachable`, `TimedOut`, `Garbled`. */
  readonly reason: string;
  readonly message: string;
  /** What the server asks for with `Retry-After`. */
  readonly retryAfterMs?: number;
  /** Fields that belong to other managers, of an apply that was refused for them. */
  readonly taken?: readonly TakenField[];
}

export interface TakenField {
  /** `.spec.triggers[name="web"].http`. */
  readonly field: string;
  /** Whose it is, in the API server's words. */
  readonly message: string;
}

export type KubeAnswer<Body> = { readonly ok: true; readonly status: number; readonly body: Body } | KubeFailure;

/** Lines of an open watch. */
export interface KubeStream {
  /** Ends when the server ends it; throws when the connection breaks. */
  readonly lines: AsyncIterable<string>;
  /** Gives it up, and its connection. */
  close(): void;
}

/** What stands in a Status object or an error line of a watch. */
interface StatusBody {
  readonly kind?: unknown;
  readonly reason?: unknown;
  readonly message?: unknown;
  readonly code?: unknown;
  readonly details?: {
    readonly retryAfterSeconds?: unknown;
    readonly causes?: readonly { readonly reason?: unknown; readonly field?: unknown; readonly message?: unknown }[];
  };
}

const longestMessage = 1_000;

/** The failure that an answer of that status and body stands for. */
export function failureOf(status: number, text: string, retryAfter?: string): KubeFailure {
  const body = parseStatus(text);
  const said = typeof body?.message === 'string' && body.message !== '' ? body.message : text.trim();
  const taken = takenFields(body);
  const seconds = Number(retryAfter ?? body?.details?.retryAfterSeconds ?? Number.NaN);
  return {
    ok: false,
    status,
    reason: reasonOf(status, body),
    message: (said === '' ? `the API server answered ${status}` : said).slice(0, longestMessage),
    ...(Number.isFinite(seconds) && seconds >= 0 ? { retryAfterMs: seconds * 1000 } : {}),
    ...(taken.length === 0 ? {} : { taken }),
  };
}

function takenFields(body: StatusBody | undefined): readonly TakenField[] {
  return (body?.details?.causes ?? []).flatMap(({ reason, field, message }) =>
    reason === 'FieldManagerConflict' && typeof field === 'string' ? [{ field, message: String(message) }] : [],
  );
}

function reasonOf(status: number, body: StatusBody | undefined): string {
  // A version from the future: said as a cause of a timeout.
  const tooLarge = 'ResourceVersionTooLarge';
  if (body?.details?.causes?.some(({ reason }) => reason === tooLarge) === true) return tooLarge;
  return typeof body?.reason === 'string' && body.reason !== '' ? body.reason : `Status${status}`;
}

function parseStatus(text: string): StatusBody | undefined {
  try {
    const body = JSON.parse(text) as StatusBody | null;
    return body !== null && typeof body === 'object' && body.kind === 'Status' ? body : undefined;
  } catch {
    return undefined;
  }
}

/** An answer that is to be one object: whatever else it is, somebody before the API server said it. */
export function wholeObject<Body extends KubeObject>(answer: KubeAnswer<Body>): KubeAnswer<Body> {
  if (!answer.ok || isKubeObject(answer.body)) return answer;
  return { ok: false, status: 0, reason: 'Garbled', message: 'the API server answered something that is no object' };
}

/** `/apis/moonhook.dev/v1alpha1/namespaces/a/webhookfunctions/x/status` of its parts, each segment encoded. */
export function resourcePath(parts: {
  /** `v1`, `apps/v1`. */
  readonly apiVersion: string;
  readonly resource: string;
  readonly namespace?: string | undefined;
  readonly name?: string;
  readonly subresource?: string;
}): string {
  const { apiVersion, resource, namespace, name, subresource } = parts;
  const root = apiVersion.includes('/') ? ['apis', ...apiVersion.split('/')] : ['api', apiVersion];
  const segments = [
    ...root,
    ...(namespace === undefined ? [] : ['namespaces', namespace]),
    resource,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  return segments.map((segment) => `/${encodeSegment(segment)}`).join('');
}

/** A segment that is empty or only dots would be another path once a URL parser has seen it. */
function encodeSegment(segment: string): string {
  if (segment === '' || segment === '.' || segment === '..') throw new Error(`"${segment}" is no path segment`);
  return encodeURIComponent(segment);
}
