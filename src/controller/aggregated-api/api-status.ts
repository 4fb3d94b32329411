/** Refusals as the `Status` objects of Kubernetes (meta/v1), with the reasons that clients know. Pure. */

/** What went wrong, by status code and reason. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly retryAfterSeconds?: number;
}

const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Expired',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

export function refusal(status: number, message: string, more: Partial<Refusal> = {}): Refusal {
  return { status, reason: reasons[status] ?? 'InternalError', message, ...more };
}

/** As it goes over the wire. */
export function statusObject({ status, reason, message, details, retryAfterSeconds }: Refusal): unknown {
  const known = { ...details, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(Object.keys(known).length === 0 ? {} : { details: known }),
    code: status,
  };
}

/** Whether a value is a refusal; answers never have a status and a reason beside each other. */
export function isRefusal(value: object): value is Refusal {
  return 'status' in value && 'reason' in value && 'message' in value;
}
