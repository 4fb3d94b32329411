/** Judges a captured request as the public listener would have, and says what to look at when it does not pass. */
import { didYouMean } from '../function/suggest.ts';
import { receivers } from './catalogue.ts';
import { checkSecrets } from './check-secrets.ts';
import { decodeBody } from './decode-body.ts';
import { duplicateKey } from './duplicate-key.ts';
import { decideEvent, type EventDecision } from './event-filter.ts';
import { readCapture, type CaptureOptions } from './read-capture.ts';
import { mediaType } from './read-header.ts';
import { suggestCause } from './suggest-cause.ts';
import type {
  FetchDocument,
  HostAnswer,
  PreparedReceiver,
  Proof,
  RawRequest,
  ReceiverSecrets,
  Step,
  VerifiedSender,
} from './types.ts';

/** A receiver as the resource writes it: the name and its fields. */
export interface ReceiverChoice {
  readonly name: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface VerifyCaptureOptions extends CaptureOptions {
  /** The time of arrival, milliseconds since the epoch. */
  readonly nowMs: number;
  /** Fetches key sets and certificates; absent: receivers that need one refuse. */
  readonly fetchDocument?: FetchDocument;
}

/** What is known about a capture. `handshake`: the host answers it before there is anything to verify. */
export interface CaptureVerdict {
  readonly receiver: string;
  readonly verdict: 'verified' | 'refused' | 'handshake';
  readonly reason?: string;
  readonly proof?: Proof;
  readonly subject?: string;
  readonly event?: string;
  readonly type?: string;
  readonly deliveryId?: string;
  readonly deliveryIdSigned?: boolean;
  readonly duplicateKey?: string;
  /** What the trigger's `events` make of it. */
  readonly decision?: EventDecision;
  /** The answer the host gives without Lua. */
  readonly answer?: HostAnswer;
  readonly steps: readonly Step[];
  readonly warnings: readonly string[];
  /** What would make a refused request pass, where that was found. */
  readonly hints: readonly string[];
}

export type VerifyCaptureResult =
  | { readonly ok: true; readonly result: CaptureVerdict }
  | { readonly ok: false; readonly message: string };

/** Judges one capture with one receiver and its secrets; `ok: false` is input that cannot be judged at all. */
export async function verifyCapture(
  capture: unknown,
  choice: ReceiverChoice,
  secrets: ReceiverSecrets,
  options: VerifyCaptureOptions,
): Promise<VerifyCaptureResult> {
  const read = readCapture(capture, options);
  if (!read.ok) return { ok: false, message: `capture: ${read.message}` };
  const definition = receivers.get(choice.name);
  if (definition === undefined) {
    const names = [...receivers.keys()];
    const hint = didYouMean(choice.name, names) ?? `known are ${names.join(', ')}`;
    return { ok: false, message: `there is no receiver "${choice.name}"; ${hint}` };
  }
  const prepared = definition.prepare(choice.fields);
  if (!prepared.ok) {
    const mistakes = prepared.mistakes.map(({ path, message }) => `${choice.name}.${path} ${message}`);
    return { ok: false, message: `receiver: ${mistakes.join('; ')}` };
  }
  const { receiver } = prepared;
  if (choice.name === 'custom') {
    return { ok: false, message: 'receiver: custom is verified by Lua of the function: call it with `moonhook send`' };
  }
  const unusable = checkSecrets(receiver, secrets, { allowWeakSecrets: true });
  if (unusable !== undefined) return { ok: false, message: `secret: ${unusable.message}` };
  const weak = checkSecrets(receiver, secrets, { allowWeakSecrets: false });
  const warnings = [...receiver.warnings, ...(weak === undefined ? [] : [weak.message])];
  return { ok: true, result: await judge(choice, receiver, read.request, secrets, options, warnings) };
}

async function judge(
  choice: ReceiverChoice,
  receiver: PreparedReceiver,
  request: RawRequest,
  secrets: ReceiverSecrets,
  options: VerifyCaptureOptions,
  warnings: readonly string[],
): Promise<CaptureVerdict> {
  const about = { receiver: choice.name, warnings };
  const handshake = receiver.handshake(request, secrets);
  if (handshake !== undefined) {
    const steps = [{ step: 'handshake', ok: true, detail: 'the host answers it before verification' }];
    return { ...about, verdict: 'handshake', answer: handshake, steps, hints: [] };
  }
  const { nowMs, fetchDocument } = options;
  const tools = { now: () => nowMs, ...(fetchDocument === undefined ? {} : { fetchDocument }) };
  const verdict = await receiver.verify(request, secrets, tools);
  if (verdict.verdict === 'refused') {
    const hints = await suggestCause(receiver, request, secrets, nowMs, verdict);
    return { ...about, verdict: 'refused', reason: verdict.reason, steps: verdict.steps, hints };
  }
  return { ...about, ...describe(choice, receiver, request, verdict) };
}

function describe(
  choice: ReceiverChoice,
  receiver: PreparedReceiver,
  request: RawRequest,
  verdict: VerifiedSender,
): Omit<CaptureVerdict, 'receiver' | 'warnings'> {
  const identified = receiver.identify(request, verdict);
  const key = duplicateKey(receiver.profile, identified, request.body);
  const events = choice.fields['events'];
  const decision = decideEvent(
    receiver.profile,
    Array.isArray(events) ? events.map(String) : undefined,
    identified.name,
  );
  const decoded = decodeBody(mediaType(request), request.body, identified.formField);
  const answer = receiver.verifiedHandshake?.(request);
  return {
    verdict: 'verified',
    proof: verdict.proof,
    ...(verdict.subject === undefined ? {} : { subject: verdict.subject }),
    event: identified.name,
    type: identified.type,
    ...(identified.deliveryId === undefined
      ? {}
      : { deliveryId: identified.deliveryId, deliveryIdSigned: identified.idSigned }),
    ...(key === undefined ? {} : { duplicateKey: key }),
    decision,
    ...(answer === undefined ? {} : { answer }),
    steps: verdict.steps,
    hints: decoded.kind === 'failure' ? [`answered 400 ${decoded.code}: ${decoded.message}`] : [],
  };
}
