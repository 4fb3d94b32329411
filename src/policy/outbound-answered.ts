/** A guard whose requests go nowhere: they pass the rules that need no network, and somebody answers them by hand. */
import { checkHost, type EffectiveEgress } from './egress.ts';
import type { OutboundGuard } from './outbound.ts';
import { checkHeaders, checkMethod, checkUrl } from './outbound-request.ts';
import { refuse, type OutboundRequest, type OutboundResult } from './outbound-types.ts';

/** A request as it would have left the process. */
export interface AnsweredRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: Uint8Array;
}

/** What stands for the answer of the other side, or for its failure. */
export type HandAnswer =
  | {
      readonly ok: true;
      readonly status: number;
      readonly headers: readonly (readonly [string, string])[];
      readonly body: Uint8Array;
    }
  | { readonly ok: false; readonly message: string };

/** It must not reject. */
export type AnswerByHand = (request: AnsweredRequest, signal: AbortSignal) => Promise<HandAnswer>;

/** Opens no socket and asks no resolver. */
export function createAnsweredGuard(answer: AnswerByHand): OutboundGuard {
  return {
    outboundFor: (owner) => ({ send: (request) => send(request, owner.egress, answer) }),
    pools: 0,
    close: async () => {},
  };
}

async function send(request: OutboundRequest, egress: EffectiveEgress, answer: AnswerByHand): Promise<OutboundResult> {
  for (const verdict of [checkMethod(request.method), checkHeaders(request.headers)]) if (!verdict.ok) return verdict;
  const checked = checkUrl(request.url);
  if (!checked.ok) return checked;
  const { url, target } = checked.value;
  const byName = checkHost(egress, target, []);
  // An entry that is an address may allow a name: where that leads is not looked up here.
  const byAddress = [...(egress.allow ?? []), ...(egress.installation.ceiling ?? [])].some(
    ({ kind }) => kind === 'addresses',
  );
  if (!byName.ok && !byAddress) return byName;
  if (request.signal.aborted) return { ok: false, message: 'the call has ended' };
  const given = await answer(
    {
      method: request.method,
      url: url.href,
      headers: request.headers,
      ...(request.body === undefined ? {} : { body: request.body }),
    },
    AbortSignal.any([request.signal, AbortSignal.timeout(Math.max(1, Math.ceil(request.timeoutMs)))]),
  );
  if (!given.ok) return given;
  const { body } = given;
  if (body.length > request.maxResponseBytes && request.cutResponse !== true) {
    return refuse('size', `the response is larger than ${request.maxResponseBytes} bytes`);
  }
  request.received?.(body.length);
  return {
    ok: true,
    response: {
      status: given.status,
      headers: named(given.headers),
      body: body.subarray(0, request.maxResponseBytes),
      url: url.href,
    },
  };
}

function named(headers: readonly (readonly [string, string])[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const [name, value] of headers) {
    const lower = name.toLowerCase();
    found.set(lower, [...(found.get(lower) ?? []), value]);
  }
  return found;
}
