/** The story of a call in lines, for people: what arrived, how it was judged, what ran, how it ended. Pure. */
import { placedMessage } from '../failures/placed-message.ts';
import type { LuaValue } from '../lua/types.ts';
import type { CallRecord } from './call-record.ts';

const time = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** `3.2 ms`, `1.5 s`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(2)} s`;
  if (milliseconds >= 10) return `${milliseconds.toFixed(0)} ms`;
  return `${milliseconds.toFixed(2)} ms`;
}

const kibi = 1024;
const mebi = 1024 * kibi;

/** Memory is counted by what the heap grew; a small call finds room in what loading its program left free. */
function formatMemory(bytes: number): string {
  if (bytes === 0) return 'the heap did not grow';
  return `${bytes < mebi ? `${Math.ceil(bytes / kibi)} KiB` : `${(bytes / mebi).toFixed(2)} MiB`} at most`;
}

/** Lines without control characters being escaped: whoever prints them does that. */
export function tellStory(record: CallRecord): readonly string[] {
  return [
    headline(record),
    ...arrival(record),
    ...(record.steps ?? []).map(({ step, ok, detail }) => `  ${ok ? 'ok  ' : 'stop'} ${step}: ${detail}`),
    ...identity(record),
    ...run(record),
    ...ending(record),
  ];
}

/** Active calls have no route of a trigger; events for a namespace have one for all. */
const activeRoute = '/*';
/** Of what is sent to the bus of a namespace. */
const eventsRoute = '/events/:namespace';

/** Several records of one event: the request that brought it, then each attempt. */
export function tellStories(records: readonly CallRecord[]): readonly string[] {
  return records
    .toSorted((one, other) => one.time - other.time)
    .flatMap((record, index) => [...(index === 0 ? [] : ['']), ...tellStory(record)]);
}

function headline(record: CallRecord): string {
  const { trigger, callId, outcome } = record;
  const of = trigger === undefined ? '' : ` trigger ${trigger}`;
  return `${time(record.time)} call ${callId} · ${whose(record)}${of} · ${outcome}`;
}

function whose({ namespace, functionName, subscription, request }: CallRecord): string {
  if (request?.route === eventsRoute) return `the event bus${namespace === undefined ? '' : ` of ${namespace}`}`;
  if (namespace === undefined) return 'no function';
  return subscription === undefined
    ? `${namespace}/${functionName ?? ''}`
    : `subscription ${namespace}/${subscription}`;
}

function arrival({ kind, outgoing, request, receiver, attempt, correlation, eventName }: CallRecord): string[] {
  const lines: string[] = [];
  if (request !== undefined) {
    const { method, target, ip, bodyBytes, route, host } = request;
    lines.push(
      `  ${method} ${target}${host === undefined ? '' : ` (host ${host})`} from ${ip}, body ${bodyBytes} bytes`,
    );
    if (route !== undefined && route !== activeRoute)
      lines.push(`  route ${route}${receiver === undefined ? '' : `, receiver ${receiver}`}`);
  }
  const target = outgoing === undefined ? '' : ` to ${outgoing.target}`;
  const sentId = outgoing?.id === undefined ? '' : `, webhook-id ${outgoing.id}`;
  // Without a trigger it was put off by `later`, or called from outside.
  const what = kind === 'later' && eventName === 'call' ? 'asynchronous call' : kind;
  if (kind !== 'http' && kind !== 'call') lines.push(`  ${what}${target}, attempt ${attempt ?? 1}${sentId}`);
  if (outgoing?.status !== undefined) lines.push(`  the receiver answered ${outgoing.status}`);
  if (correlation !== undefined) lines.push(`  the caller names it ${correlation}`);
  return lines;
}

function identity({ eventName, eventAttributes, eventId, deliveryId, duplicateOf, callId }: CallRecord): string[] {
  const parts = [
    eventName === undefined ? undefined : `event ${eventName}`,
    eventId === undefined || eventId === callId ? undefined : `id ${eventId}`,
    deliveryId === undefined ? undefined : `delivery ${deliveryId}`,
    duplicateOf === undefined ? undefined : `duplicate of ${duplicateOf}`,
  ].filter((part) => part !== undefined);
  return [
    ...(parts.length === 0 ? [] : [`  ${parts.join(', ')}`]),
    ...(eventAttributes === undefined ? [] : [`  ${tellAttributes(eventAttributes)}`]),
  ];
}

/** What the publisher of an event added to it. */
export function tellAttributes(attributes: NonNullable<CallRecord['eventAttributes']>): string {
  const pairs = Object.entries(attributes).map(([name, value]) => `${name}=${String(value)}`);
  return `attributes ${pairs.join(', ')}`;
}

function run(record: CallRecord): string[] {
  const { handler, revision, durationMs, cpuMs, memoryPeakBytes, hostCalls = [], log = [] } = record;
  const lines: string[] = [];
  if (cpuMs !== undefined) {
    const memory = memoryPeakBytes === undefined ? '' : `, ${formatMemory(memoryPeakBytes)}`;
    const code = `${handler === undefined ? '' : ` handler ${handler}`}${revision === undefined ? '' : ` of revision ${revision}`}`;
    lines.push(`  ran${code}: ${formatDuration(durationMs)}, ${formatDuration(cpuMs)} CPU${memory}`);
  }
  for (const call of hostCalls) {
    const { name, startMs, durationMs: took, ok, summary } = call;
    lines.push(
      `  +${formatDuration(startMs)} ${name}${summary === undefined ? '' : ` ${summary}`}: ${ok ? 'ok' : 'failed'} after ${formatDuration(took)}`,
    );
  }
  for (const { at, level, message, fields } of log) {
    const shown =
      fields === undefined
        ? ''
        : ` ${[...fields].map(([key, value]) => `${String(key)}=${formatField(value)}`).join(' ')}`;
    lines.push(`  +${formatDuration(at)} log ${level}: ${message}${shown}`);
  }
  if (record.logTruncated === true) lines.push('  the log was cut at its limit');
  return lines;
}

function ending({ error, outcome, code, status, detail, nextAttempt }: CallRecord): string[] {
  const lines: string[] = [];
  if (error !== undefined) {
    lines.push(`  error: ${placedMessage(error)}`);
    for (const line of error.traceback?.split('\n') ?? []) lines.push(`    ${line}`);
  } else if (detail !== undefined) lines.push(`  because ${detail}`);
  const answered = status === undefined || status === 0 ? '' : `, answered ${status}`;
  lines.push(`  ended ${outcome}${code === undefined ? '' : ` (${code})`}${answered}`);
  if (nextAttempt !== undefined) lines.push(`  next attempt at ${time(nextAttempt)}`);
  return lines;
}

function formatField(value: LuaValue): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof Map) {
    return `{${[...value].map(([key, inner]) => `${String(key)}=${formatField(inner)}`).join(' ')}}`;
  }
  if (Array.isArray(value)) return `[${value.map(formatField).join(' ')}]`;
  return String(value);
}
