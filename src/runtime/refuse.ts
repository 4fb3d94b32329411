/** Answers with a failure: problem+json with a stable code, and no detail for callers who did not prove themselves. */
import { catalogue, type FailureCode } from '../failures/catalogue.ts';
import { toProblem } from '../failures/problem.ts';
import type { Outcome } from '../telemetry/call-outcomes.ts';
import { answerCall } from './answer-call.ts';
import type { HttpCall } from './http-call.ts';
import { placeRunError } from './place-error.ts';
import type { WorkerParts } from './worker-parts.ts';

export interface Refusal {
  readonly outcome: Outcome;
  /** For the record. */
  readonly detail?: string;
  /** Also for the caller, whoever it is. */
  readonly publicDetail?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly retryAfterMs?: number;
}

export function refuse(call: HttpCall, parts: WorkerParts, code: FailureCode, refusal: Refusal): void {
  const { outcome, publicDetail, headers = [], retryAfterMs } = refusal;
  // What strangers may see is never masked: it would tell them which guess is right.
  const detail = refusal.detail === undefined ? undefined : (call.fn?.hide?.(refusal.detail) ?? refusal.detail);
  const shown = publicDetail ?? (call.trusted ? detail : undefined);
  const problem = { ...toProblem(code, shown, call.id), ...(call.trusted ? failureDetails(call) : {}) };
  const retry: readonly (readonly [string, string])[] =
    retryAfterMs === undefined ? [] : [['retry-after', String(Math.max(1, Math.ceil(retryAfterMs / 1000)))]];
  if (call.ranMs === undefined) parts.rare.refusal(code);
  const record = detail ?? publicDetail;
  answerCall(
    call,
    parts,
    {
      status: catalogue[code].status,
      headers: [['content-type', 'application/problem+json'], ...headers, ...retry],
      body: `${JSON.stringify(problem)}\n`,
    },
    { outcome, code, ...(record === undefined ? {} : { detail: record }) },
  );
}

/** What a trusted caller of the call listener sees of a failed run: message, line, log. */
function failureDetails(call: HttpCall): Record<string, unknown> {
  const { fn, usage } = call;
  const error = call.error !== undefined && fn !== undefined ? placeRunError(call.error, fn) : call.error;
  return {
    ...(error === undefined
      ? {}
      : {
          error: {
            message: error.message,
            ...(error.file === undefined ? {} : { file: error.file }),
            ...(error.line === undefined ? {} : { line: error.line }),
            ...(error.traceback === undefined ? {} : { traceback: error.traceback }),
          },
        }),
    ...(usage === undefined || usage.log.length === 0
      ? {}
      : { log: usage.log.map(({ level, message, at }) => ({ level, message, at })) }),
  };
}
