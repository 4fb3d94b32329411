/** A call record as one row of a list: enough to recognise it; its story is asked for by its id. Pure. */
import type { PlainObject } from './watch-source.ts';

export interface CallRow {
  readonly callId: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly kind: string;
  readonly namespace?: string;
  readonly functionName?: string;
  readonly subscription?: string;
  readonly trigger?: string;
  readonly handler?: string;
  readonly outcome: string;
  readonly status?: number;
  readonly durationMs: number;
  readonly cpuMs?: number;
  readonly eventName?: string;
  readonly eventId?: string;
  readonly attempt?: number;
  readonly method?: string;
  readonly target?: string;
  /** Why it did not end well, in one line. */
  readonly why?: string;
  readonly logLines: number;
}

const longestWhy = 300;

export function toCallRow(record: PlainObject): CallRow {
  const { callId, time, kind, outcome, durationMs, log, error, detail, request, outgoing } = record;
  const { message } = (error ?? {}) as { readonly message?: string };
  const { method, target } = (request ?? outgoing ?? {}) as { readonly method?: string; readonly target?: string };
  const why = message ?? (detail as string | undefined);
  const more = ['namespace', 'functionName', 'subscription', 'trigger', 'handler', 'status', 'cpuMs'] as const;
  const ids = ['eventName', 'eventId', 'attempt'] as const;
  const kept = [...more, ...ids].filter((name) => record[name] !== undefined).map((name) => [name, record[name]]);
  return {
    callId: String(callId),
    time: Number(time),
    kind: String(kind),
    outcome: String(outcome),
    durationMs: Number(durationMs),
    ...(Object.fromEntries(kept) as Partial<CallRow>),
    ...(method === undefined ? {} : { method }),
    ...(target === undefined ? {} : { target }),
    ...(why === undefined ? {} : { why: why.slice(0, longestWhy) }),
    logLines: Array.isArray(log) ? log.length : 0,
  };
}
