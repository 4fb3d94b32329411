/** Every failure code with its HTTP status (where it can reach HTTP), title and what to do. Codes are never renamed or reused. */

interface CatalogueEntry {
  readonly status: number;
  readonly title: string;
  /** What the reader can do about it; Markdown, one sentence. */
  readonly remedy: string;
}

export const catalogue = {
  // HTTP: the request never reached a function.
  RouteNotFound: {
    status: 404,
    title: 'No trigger is mounted at this path',
    remedy: 'Check the path against `moonhook list`; relative paths are mounted below the namespace.',
  },
  FunctionNotFound: {
    status: 404,
    title: 'No such function',
    remedy: 'Check namespace and name with `moonhook list`.',
  },
  RecordNotFound: {
    status: 404,
    title: 'No such call, delivery, key or replay',
    remedy: 'Check the id and the namespace: `moonhook calls` and `moonhook deliveries` list what is kept.',
  },
  Conflict: {
    status: 409,
    title: 'It is not as the request expects',
    remedy: 'The detail tells how it is now; read it again and decide anew.',
  },
  MethodNotAllowed: {
    status: 405,
    title: 'The route does not accept this method',
    remedy: 'The `Allow` header lists the methods; `methods` of the trigger decides.',
  },
  PathInvalid: {
    status: 400,
    title: 'The request path is not in canonical form',
    remedy: 'Send no encoded slash, no empty, `.` or `..` segment, and valid percent-encoding.',
  },
  RequestInvalid: {
    status: 400,
    title: 'The request is malformed',
    remedy: 'The detail names the part that does not parse.',
  },
  Unverified: {
    status: 401,
    title: 'The sender could not be verified',
    remedy:
      '`moonhook explain CALL-ID` tells the step that failed; compare the secret at the sender with the one in the Secret.',
  },
  Unauthorized: {
    status: 401,
    title: 'A token is required',
    remedy: 'Send `Authorization: Bearer …`; in a local run the token is in the data directory.',
  },
  Forbidden: {
    status: 403,
    title: 'Not allowed',
    remedy: 'The detail names the rule; a browser page of another origin may not call local listeners.',
  },
  BodyTooLarge: {
    status: 413,
    title: 'The request body is over the limit',
    remedy: "Raise `limits.requestBody` of the function, within the installation's ceiling.",
  },
  BodyInvalid: {
    status: 400,
    title: 'The body does not parse as its declared type',
    remedy: 'The body must match its Content-Type.',
  },
  UnsupportedMediaType: {
    status: 415,
    title: 'The content type or coding is not supported',
    remedy: 'Send the type the route expects, without a `Content-Encoding`.',
  },
  ExpectationFailed: {
    status: 417,
    title: 'The Expect header asks for what is not done here',
    remedy: 'Leave the `Expect` header out, or send `Expect: 100-continue`.',
  },
  HeadersTooLarge: {
    status: 431,
    title: 'The request headers are over the limit',
    remedy: 'Send fewer or smaller headers.',
  },
  RequestTimeout: {
    status: 408,
    title: 'The request took too long to arrive',
    remedy: 'Send headers and body without long pauses.',
  },
  IdempotencyNeedsAsync: {
    status: 400,
    title: 'Idempotency-Key is for asynchronous calls',
    remedy: 'Call `/async-function/…` or send `Prefer: respond-async`.',
  },
  IdempotencyKeyReused: {
    status: 422,
    title: 'The Idempotency-Key belongs to a call with another body',
    remedy:
      'Take a new key for each call; a repetition has the very body of the first. Nothing of this request is kept.',
  },
  CallbackNotConfigured: {
    status: 400,
    title: 'The function has no callback',
    remedy: 'Add `callback` to the function or drop the `X-Callback-Url` header.',
  },
  CallbackNeedsAsync: {
    status: 400,
    title: 'X-Callback-Url is for asynchronous calls',
    remedy: 'Call `/async-function/…` or send `Prefer: respond-async`; a synchronous call has its result at once.',
  },
  CallbackUrlRefused: {
    status: 400,
    title: 'The callback URL is not allowed',
    remedy:
      'Name a host of `callback.urls` that the installation lets the function reach; the detail says which rule refused.',
  },
  RateLimited: {
    status: 429,
    title: 'Too many requests for this trigger',
    remedy: 'Wait as `Retry-After` says; `rate` of the trigger decides.',
  },
  ConcurrencyLimited: {
    status: 429,
    title: 'Too many calls of this function at once',
    remedy: "Wait as `Retry-After` says; `limits.concurrency` or the trigger's `concurrency` decides.",
  },
  Overloaded: {
    status: 429,
    title: 'The runtime is overloaded',
    remedy: 'Wait as `Retry-After` says; add workers or runtimes.',
  },
  TooManyConnections: {
    status: 503,
    title: 'The client has too many connections',
    remedy:
      'Use connections again (keep-alive), and close those that are not needed. A proxy before the runtime belongs into `trustedProxies`: it has no bound.',
  },
  NotResolved: {
    status: 503,
    title: 'The trigger is not ready',
    remedy: '`moonhook describe` names the reference that does not resolve.',
  },
  Suspended: { status: 503, title: 'The function is suspended', remedy: 'Remove `spec.suspend`.' },
  HandlerMissing: {
    status: 503,
    title: 'The serving code has no handler for this trigger',
    remedy: 'The last good code serves; `moonhook describe` tells why the newer one was refused.',
  },
  QuotaExceeded: {
    status: 429,
    title: 'The namespace has stored all it may',
    remedy:
      'Wait until deliveries have run, or delete keys; `quotas` of the installation decides. `moonhook explain CALL-ID` names the quota.',
  },
  DiskLow: {
    status: 503,
    title: 'The disk of the store is nearly full',
    remedy:
      'Nothing was accepted: send it again as `Retry-After` says. Free space on the disk of the data directory; what was accepted before is kept.',
  },
  StoreUnavailable: {
    status: 503,
    title: 'The store cannot keep the event now',
    remedy:
      'Nothing was accepted: send it again as `Retry-After` says. The process log tells why (disk full, database away), `moonhook explain CALL-ID` whether it is only slow.',
  },
  ReviewUnavailable: {
    status: 503,
    title: 'Tokens cannot be reviewed now',
    remedy: 'Try again as `Retry-After` says: no controller, or no API server, answers the runtime.',
  },
  HopLimit: {
    status: 508,
    title: 'Too many calls in a chain',
    remedy: 'Functions call each other in a circle or deeper than 8 hops.',
  },
  // HTTP: the function ran.
  FunctionError: {
    status: 500,
    title: 'The function failed',
    remedy: '`moonhook explain CALL-ID` shows message, line and log.',
  },
  ResponseInvalid: {
    status: 500,
    title: 'The function returned an invalid response',
    remedy: '`moonhook explain CALL-ID` shows which part of the returned value is refused.',
  },
  FilterError: {
    status: 500,
    title: 'A filter or expression failed',
    remedy: '`moonhook explain CALL-ID` shows the expression and the line.',
  },
  CallTimeout: {
    status: 504,
    title: 'The function ran out of time',
    remedy: 'Raise `limits.timeout`, or answer first and finish with `later`.',
  },
  CpuExceeded: {
    status: 500,
    title: 'The function used more CPU time than allowed',
    remedy: 'Look for a loop or a backtracking pattern; raise `limits.cpuTime`.',
  },
  MemoryExceeded: {
    status: 500,
    title: 'The function used more memory than allowed',
    remedy: 'Build less at once; raise `limits.memory`.',
  },
  Internal: {
    status: 500,
    title: 'Internal error',
    remedy: 'A defect of Moonhook: please report it with the call id and the process log.',
  },
} as const satisfies Record<string, CatalogueEntry>;

export type FailureCode = keyof typeof catalogue;
