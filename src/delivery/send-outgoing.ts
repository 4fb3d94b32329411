/** Sends one outgoing request through the outbound guard and reads as much of the answer as is kept. */
import { errorMessage } from '../failures/error-message.ts';
import type { Outbound, OutboundResult } from '../policy/outbound-types.ts';
import { parseRetryAfter, type OutgoingAnswer } from './judge-answer.ts';

export interface OutgoingRequest {
  /** Default: POST. */
  readonly method?: 'POST' | 'OPTIONS';
  readonly url: string;
  /** Chosen by a user: the guard refuses those it keeps for itself, and those of the host win. */
  readonly headers: readonly (readonly [string, string])[];
  /** Set by the host: signatures, hop counter. */
  readonly hostHeaders: readonly (readonly [string, string])[];
  readonly body?: Uint8Array;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Texts that an answer may echo and nobody may read. */
  readonly secretTexts: readonly string[];
}

/** Of an answer so much is read. */
const keptBytes = 16 * 1024;
const excerptLength = 300;
/** Refusals that say nothing about the target: the way there is full. */
const passingRules: ReadonlySet<string> = new Set(['busy']);

/** `now`: wall clock, for a `Retry-After` that is a date. */
export async function sendOutgoing(outbound: Outbound, request: OutgoingRequest, now: number): Promise<OutgoingAnswer> {
  const { method = 'POST', url, headers, hostHeaders, body, timeoutMs, signal, secretTexts } = request;
  // Two signatures in one header are none to a receiver.
  const ours = new Set(hostHeaders.map(([name]) => name.toLowerCase()));
  let result: OutboundResult;
  try {
    result = await outbound.send({
      method,
      url,
      headers: headers.filter(([name]) => !ours.has(name.toLowerCase())),
      hostHeaders,
      ...(body === undefined ? {} : { body }),
      timeoutMs,
      // The receiver of a signed event is the one that was configured.
      maxRedirects: 0,
      maxResponseBytes: keptBytes,
      cutResponse: true,
      signal,
    });
  } catch (error) {
    return { kind: 'failed', message: errorMessage(error), refusedByGuard: false };
  }
  if (!result.ok) {
    const { rule, message, byLookup = false } = result;
    const refused = rule !== undefined && !passingRules.has(rule);
    return {
      kind: 'failed',
      message: refused ? `${message} (rule ${rule})` : message,
      refusedByGuard: refused && !byLookup,
      ...(refused && byLookup ? { byLookup } : {}),
    };
  }
  const { status, headers: answered, body: start } = result.response;
  const retryAfterMs = parseRetryAfter(answered.get('retry-after')?.[0], now);
  const encoded = answered.has('content-encoding');
  return {
    kind: 'answered',
    status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    excerpt: encoded ? '' : excerptOf(start, secretTexts),
    headers: answered,
  };
}

/** One line of text: what the receiver says was wrong. */
function excerptOf(body: Uint8Array, secretTexts: readonly string[]): string {
  let text = Buffer.from(body).toString('utf8');
  for (const secret of secretTexts) if (secret.length > 3) text = text.replaceAll(secret, '***');
  return text
    .replaceAll(/[^\P{C}]+|\s+/gu, ' ')
    .trim()
    .slice(0, excerptLength);
}
