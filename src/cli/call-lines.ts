/** Call records as lines for people. */
import { escapeText } from './escape-text.ts';
import { formatMilliseconds } from './output.ts';

/** The part of a record that lines are made of; it comes as JSON. */
export interface PlainCall {
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
  readonly error?: { readonly message: string; readonly file?: string; readonly line?: number };
  readonly log?: readonly {
    readonly at: number;
    readonly level: string;
    readonly message: string;
    readonly fields?: Readonly<Record<string, unknown>>;
  }[];
}

export const callHeader = ['TIME', 'CALL', 'FUNCTION', 'TRIGGER', 'OUTCOME', 'STATUS', 'TOOK', 'WHAT'] as const;

/** One row of the table of calls. */
export function callRow(call: PlainCall): readonly string[] {
  const { namespace, functionName, subscription, request } = call;
  const what = request === undefined ? (call.eventName ?? call.kind) : `${request.method} ${request.target}`;
  return [
    new Date(call.time).toISOString().slice(11, 23),
    call.callId,
    namespace === undefined
      ? '-'
      : `${subscription === undefined ? '' : 'whs/'}${namespace}/${subscription ?? functionName ?? ''}`,
    call.trigger ?? '-',
    call.outcome,
    statusOf(call),
    formatMilliseconds(call.durationMs),
    `${what}${whyOf(call)}`,
  ];
}

/** What was answered: by us, or by the receiver of a webhook. */
function statusOf({ status, outgoing }: PlainCall): string {
  const shown = outgoing?.status ?? status;
  return shown === undefined || shown === 0 ? '-' : String(shown);
}

function whyOf({ error, detail, code }: PlainCall): string {
  const why = error?.message ?? detail ?? code;
  return why === undefined ? '' : `: ${why}`;
}

/** One call on one line, for following. */
export function callLine(call: PlainCall): string {
  return escapeText(callRow(call).join('  ')).replaceAll(/[\n\t]/g, ' ');
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
    const place = error.file === undefined ? '' : `${error.file}${error.line === undefined ? '' : `:${error.line}`}: `;
    const message = error.message.startsWith(place) ? error.message : `${place}${error.message}`;
    lines.push(`${stamp(call.durationMs)} ${name} ${call.callId} ${call.outcome} ${message}`);
  }
  return lines.map((line) => escapeText(line).replaceAll(/[\n\t]/g, ' '));
}
