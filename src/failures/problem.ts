/** Failures over HTTP: problem+json with a code of the catalogue. */
import { catalogue, type FailureCode } from './catalogue.ts';

/** An `application/problem+json` body (RFC 9457 §3). */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: FailureCode;
  readonly detail?: string;
  /** The call this answers, where there is one. */
  readonly callId?: string;
}

/** Builds the problem+json body of a code; `detail` is for a caller who may see it. */
export function toProblem(code: FailureCode, detail?: string, callId?: string): Problem {
  const { status, title } = catalogue[code];
  return {
    type: `https://moonhook.dev/problems/${code}`,
    title,
    status,
    code,
    ...(detail === undefined ? {} : { detail }),
    ...(callId === undefined ? {} : { callId }),
  };
}
