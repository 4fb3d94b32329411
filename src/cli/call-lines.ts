/** Call records as lines for people. */
import { placedMessage } from '../failures/placed-message.ts';
import { escapeText } from './escape-text.ts';
import { formatMilliseconds } from './output.ts';

/** The part of a record that lines are made of; it comes as JSON. */
export type PlainCall = {
  readonly callId: string;
  readonly time: number;
  readonly kind: string;
  readonly namespace?: string;
  readonly functionName?: string;
  readonly subscription?: string;
  readonly outgoing?: { readonly target: string; readonly status?: number };
  readonly trigger?: string;
  readonly outcome: string;
  readonly status?: number;
  readonly code?: string;
  readonly detail?: string;
  readonly durationMs: number;
  readonly request?: { readonly method: string; readonly target: string };
  readonly eventName?: string;
  /** Of one that runs. */
  readonly handler?: string;
  readonly eventId?: string;
  readonly deliveryId?: string;
  readonly attempt?: number;
  readonly steps?: readonly { readonly step: string; readonly ok: boolean; readonly detail: string }[];
  readonly error?: { readonly message: string; readonly file?: string; readonly line?: number };
  readonly log?: readonly {
    readonly at: number;
    readonly level: string;
    readonly message: string;
    readonly fields?: Readonly<Record<string, unknown>>;
  }[];
};

export const callHeader = ['TIME', 'CALL', 'FUNCTION', 'TRIGGER', 'OUTCOME', 'STATUS', 'TOOK', 'WHAT'] as const;
export const wideCallHeader = [...callHeader.slice(0, -1), 'EVENT', "SENDER'S ID", 'ATTEMPT', 'WHAT'] as const;
/** What most cells of each column need, for rows that come one by one. */
export const callWidths = [12, 20, 24, 12, 10, 6, 8] as const;

/** One row of the table of calls; a wide one names its event, the sender's delivery and the attempt. */
export function callRow(call: PlainCall, wide: boolean): readonly string[] {
  const { namespace, functionName, subscription, request, eventId, deliveryId, attempt } = call;
  const own = call.eventName ?? (call.kind === 'running' ? `handler ${call.handler ?? ''}` : call.kind);
  const what = request === undefined ? own : `${request.method} ${request.target}`;
  return [
    new Date(call.time).toISOString().slice(11, 23),
    call.callId,
    namespace === undefined
      ? '-'
      : `${subscription === undefined ? '' : 'whs/'}${namespace}/${subscription ?? functionName ?? '-'}`,
    call.trigger ?? '-',
    call.outcome,
    statusOf(call),
    formatMilliseconds(call.durationMs),
    ...(wide ? [eventId ?? '-', deliveryId ?? '-', attempt === undefined ? '-' : String(attempt)] : []),
    `${what}${whyOf(call)}`,
  ];
}

/** What was answered: by us, or by the receiver of a webhook. */
function statusOf({ status, outgoing }: PlainCall): string {
  const shown = outgoing?.status ?? status;
  return shown === undefined || shown === 0 ? '-' : String(shown);
}

/** What ended well needs no reason; what was turned away has it in the step that did so. */
function whyOf({ error, detail, code, outcome, steps }: PlainCall): string {
  const stop = outcome === 'ok' || outcome === 'accepted' ? undefined : steps?.findLast(({ ok }) => !ok);
  const why = error?.message ?? detail ?? stop?.detail ?? code;
  return why === undefined ? '' : `: ${why}`;
}

/** The log of a call: one line per entry, its error last. */
export function logLines(call: PlainCall): readonly string[] {
  const name = `${call.namespace ?? '-'}/${call.functionName ?? '-'}`;
  const stamp = (at: number): string => new Date(call.time + at).toISOString();
  const lines = (call.log ?? []).map(({ at, level, message, fields }) => {
    const shown = Object.entries(fields ?? {}).map(
      ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
    );
    return `${stamp(at)} ${name} ${call.callId} ${level} ${message}${shown.join('')}`;
  });
  const { error } = call;
  if (error !== undefined) {
    lines.push(`${stamp(call.durationMs)} ${name} ${call.callId} ${call.outcome} ${placedMessage(error)}`);
  }
  return lines.map((line) => escapeText(line).replaceAll(/[\n\t]/g, ' '));
}
