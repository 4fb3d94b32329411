/** Every failure code with its HTTP status (where it can reach HTTP) and title. Codes are never renamed or reused. */

interface CatalogueEntry {
  readonly status: number;
  readonly title: string;
}

export const catalogue = {
  // HTTP: the request never reached a function.
  RouteNotFound: { status: 404, title: 'No trigger is mounted at this path' },
  FunctionNotFound: { status: 404, title: 'No such function' },
  MethodNotAllowed: { status: 405, title: 'The route does not accept this method' },
  PathInvalid: { status: 400, title: 'The request path is not in canonical form' },
  RequestInvalid: { status: 400, title: 'The request is malformed' },
  Unverified: { status: 401, title: 'The sender could not be verified' },
  Unauthorized: { status: 401, title: 'A token is required' },
  Forbidden: { status: 403, title: 'Not allowed' },
  BodyTooLarge: { status: 413, title: 'The request body is over the limit' },
  BodyInvalid: { status: 400, title: 'The body does not parse as its declared type' },
  UnsupportedMediaType: { status: 415, title: 'The content type is not supported' },
  HeadersTooLarge: { status: 431, title: 'The request headers are over the limit' },
  RequestTimeout: { status: 408, title: 'The request took too long to arrive' },
  IdempotencyNeedsAsync: { status: 400, title: 'Idempotency-Key is for asynchronous calls' },
  CallbackNotConfigured: { status: 400, title: 'The function has no callback' },
  RateLimited: { status: 429, title: 'Too many requests for this trigger' },
  ConcurrencyLimited: { status: 429, title: 'Too many calls of this function at once' },
  Overloaded: { status: 429, title: 'The runtime is overloaded' },
  NotResolved: { status: 503, title: 'The trigger is not ready' },
  Suspended: { status: 503, title: 'The function is suspended' },
  HandlerMissing: { status: 503, title: 'The serving code has no handler for this trigger' },
  Draining: { status: 503, title: 'The runtime is shutting down' },
  HopLimit: { status: 508, title: 'Too many calls in a chain' },
  // HTTP: the function ran.
  FunctionError: { status: 500, title: 'The function failed' },
  ResponseInvalid: { status: 500, title: 'The function returned an invalid response' },
  FilterError: { status: 500, title: 'A filter or expression failed' },
  CallTimeout: { status: 504, title: 'The function ran out of time' },
  CpuExceeded: { status: 500, title: 'The function used more CPU time than allowed' },
  MemoryExceeded: { status: 500, title: 'The function used more memory than allowed' },
  Internal: { status: 500, title: 'Internal error' },
} as const satisfies Record<string, CatalogueEntry>;

export type FailureCode = keyof typeof catalogue;
