/** Verifies the sender on the raw bytes; a refusal tells the caller nothing but 401. */
import type { RawRequest, Verdict, VerifierAnswer, VerifyTools } from '../receivers/types.ts';
import type { HttpCall } from './http-call.ts';
import type { LiveReceiver } from './live-function.ts';
import { refuse } from './refuse.ts';
import { runVerifier } from './run-verifier.ts';
import type { WorkerParts } from './worker-parts.ts';

export function verifySender(call: HttpCall, parts: WorkerParts): void | Promise<void> {
  const receiver = call.trigger?.receiver;
  if (receiver === undefined) {
    return refuse(call, parts, 'NotResolved', { outcome: 'unresolved', detail: 'the trigger has no receiver' });
  }
  if (receiver.name === 'custom') return verifyInTurn(call, parts, receiver);
  const verdict = receiver.prepared.verify(call, receiver.secrets, toolsOf(call, parts));
  if (verdict instanceof Promise) return verdict.then((settled) => judge(call, parts, settled));
  return judge(call, parts, verdict);
}

async function verifyInTurn(call: HttpCall, parts: WorkerParts, receiver: LiveReceiver): Promise<void> {
  const uid = call.fn?.uid ?? '';
  if (!(await parts.verifiers.take(uid, call.ip))) {
    call.note('verifier', false, 'too many verifiers of the function are running');
    return refuse(call, parts, 'ConcurrencyLimited', { outcome: 'limited', retryAfterMs: 1000 });
  }
  let verdict: Verdict;
  try {
    verdict = await receiver.prepared.verify(call, receiver.secrets, toolsOf(call, parts));
  } finally {
    parts.verifiers.end(uid);
  }
  return judge(call, parts, verdict);
}

function judge(call: HttpCall, parts: WorkerParts, verdict: Verdict): void {
  if (verdict.steps.length > 0)
    call.steps = call.steps === undefined ? verdict.steps : [...call.steps, ...verdict.steps];
  if (verdict.verdict === 'verified') {
    call.sender = verdict;
    return undefined;
  }
  const name = call.trigger?.receiver?.name ?? '';
  parts.rare.rejection(name, verdict.reason);
  return refuse(call, parts, 'Unverified', { outcome: 'unverified', detail: verdict.reason });
}

/** What the receiver of a call may ask the host for. */
export function toolsOf(call: HttpCall, parts: WorkerParts): VerifyTools {
  const { fn, trigger } = call;
  if (trigger?.receiver?.prepared.fetches === true && fn !== undefined) {
    return { ...parts.verifyTools, fetchDocument: parts.documents(fn.entry, trigger.entry.name, call.ip) };
  }
  if (trigger?.receiver?.name !== 'custom') return parts.verifyTools;
  return {
    ...parts.verifyTools,
    runVerifier: (handler: string, request: RawRequest, secrets: readonly Uint8Array[]): Promise<VerifierAnswer> =>
      runVerifier(call, parts, handler, request, secrets),
  };
}
