/** The one failure type that crosses borders: a stable code, what happened, where, and what to do. */
import { catalogue, type FailureCode } from './catalogue.ts';

/** Where in a file a mistake stands; line and column count from 1. */
export interface Place {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** Path inside a document: `spec.triggers[0].http.path`. */
  readonly path?: string;
}

/** A failure as data: codes are stable, never renamed or reused; the message is for people and holds no secret. */
export interface Failure extends Place {
  readonly code: FailureCode;
  readonly message: string;
  /** What to do, where it is known: `did you mean "receiver"?`. */
  readonly hint?: string;
}

/** `file:line:column: message (hint) [Code]` as compilers print it. */
export function formatFailure(failure: Failure): string {
  const place = [failure.file, failure.line, failure.line === undefined ? undefined : failure.column].filter(
    (part) => part !== undefined,
  );
  const path = failure.path === undefined || failure.path === '' ? '' : `${failure.path}: `;
  const hint = failure.hint === undefined ? '' : ` (${failure.hint})`;
  return `${place.length > 0 ? `${place.join(':')}: ` : ''}${path}${failure.message}${hint} [${failure.code}]`;
}

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
