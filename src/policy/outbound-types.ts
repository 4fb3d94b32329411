/** What leaves the process: an outgoing request, its answer, and the guard that stands between them. */

/** An outgoing request; the guard decides whether it is sent. */
export interface OutboundRequest {
  readonly method: string;
  readonly url: string;
  /** Headers chosen by the function; those the guard keeps for itself are refused. */
  readonly headers: readonly (readonly [string, string])[];
  /** Headers set by the host (`webhook-id`, hop counter, `traceparent`): not checked against the refused names. */
  readonly hostHeaders?: readonly (readonly [string, string])[];
  readonly body?: Uint8Array;
  /** For everything together: lookup, connect, redirects, body. */
  readonly timeoutMs: number;
  readonly maxRedirects: number;
  /** Counted after decompression. */
  readonly maxResponseBytes: number;
  /** A longer response is no failure: its first `maxResponseBytes` are kept as they arrive, not decompressed. */
  readonly cutResponse?: true;
  /** Ends the request and closes its socket. */
  readonly signal: AbortSignal;
  /** Told of each piece of the response body as it arrives; may abort through `signal`. */
  readonly received?: (bytes: number) => void;
}

export interface OutboundResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Uint8Array;
  /** The address that answered, after redirects. */
  readonly url: string;
}

/** Names of the guard's rules, as errors give them. */
export type OutboundRule =
  | 'url'
  | 'scheme'
  | 'credentials'
  | 'method'
  | 'header'
  | 'port'
  | 'host'
  | 'ceiling'
  | 'address'
  | 'connected-address'
  | 'redirect'
  | 'size'
  | 'encoding'
  | 'busy';

export type OutboundResult =
  | { readonly ok: true; readonly response: OutboundResponse }
  /** `rule` names the rule of the guard that refused; absent: the network or the other side failed. */
  | {
      readonly ok: false;
      readonly message: string;
      readonly rule?: OutboundRule;
      /** The rule judged what a name resolves to now: another lookup may answer otherwise. */
      readonly byLookup?: true;
      readonly retryAfterSeconds?: number;
    };

/** Sends requests for one function within its effective egress. */
export interface Outbound {
  send(request: OutboundRequest): Promise<OutboundResult>;
}

/** A decision of one rule. */
export type OutboundVerdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly rule: OutboundRule; readonly message: string };

export const allowed: OutboundVerdict = { ok: true };

/** Builds a refusal. */
export function refuse(rule: OutboundRule, message: string): OutboundVerdict & { readonly ok: false } {
  return { ok: false, rule, message };
}
