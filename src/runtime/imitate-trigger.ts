/** Gives an active call that names a trigger what events of that trigger have: path parameters, or the time of a schedule. */
import { isObject } from '../function/is-object.ts';
import { canonicalPath } from '../triggers/canonical-path.ts';
import { comparePatterns, matchPattern, parseRoutePattern } from '../triggers/route-pattern.ts';
import type { HttpTriggerEntry, ScheduleTriggerEntry } from '../routing/types.ts';
import type { HttpCall } from './http-call.ts';
import type { LiveTrigger } from './live-function.ts';

/** A text: why the call cannot stand for an event of this trigger. */
export function imitateTrigger(call: HttpCall, trigger: LiveTrigger): string | undefined {
  const { entry } = trigger;
  call.namedTrigger = trigger;
  if (entry.kind === 'http') return takeRoute(call, entry);
  if (entry.kind === 'schedule') takeSlot(call, entry);
  return undefined;
}

/** A call without a path of its own is that of no route: the handler sees no parameters. */
function takeRoute(call: HttpCall, { name, routes }: HttpTriggerEntry): string | undefined {
  if (call.path === '/') return undefined;
  const canonical = canonicalPath(call.path);
  if (!canonical.ok) return canonical.reason;
  const patterns = routes
    .flatMap(({ path }) => {
      const parsed = parseRoutePattern(path);
      return parsed.ok ? [parsed.pattern] : [];
    })
    .toSorted(comparePatterns);
  for (const pattern of patterns) {
    const params = matchPattern(pattern, canonical.segments);
    if (params === undefined) continue;
    call.path = canonical.path;
    call.route = pattern.text;
    call.params = params;
    return undefined;
  }
  return `trigger ${name} has no route for ${canonical.path}; it has ${patterns.map(({ text }) => text).join(', ')}`;
}

/** As a slot that is due now; a body of the caller's takes the place of the schedule's data. */
function takeSlot(call: HttpCall, { data }: ScheduleTriggerEntry): void {
  call.identified = { name: 'tick', type: 'dev.moonhook.schedule.tick', idSigned: false, contentType };
  const scheduledTime = new Date(call.time).toISOString();
  if (call.body.length === 0) {
    call.body = Buffer.from(JSON.stringify({ ...(data as object | undefined), scheduledTime }));
    return;
  }
  // What is no object has no place for a time, and a time that is given is the caller's choice.
  if (!call.decoded || hasTime(call.data)) return;
  // Into the text, not through numbers: 64-bit integers stay what they are.
  const members = Buffer.from(call.body).toString('utf8').trim().slice(1).trimStart();
  call.body = Buffer.from(`{"scheduledTime":"${scheduledTime}"${members.startsWith('}') ? '' : ','}${members}`);
  call.decoded = false;
}

const contentType = 'application/json';

function hasTime(data: unknown): boolean {
  if (data instanceof Map) return data.has('scheduledTime');
  return !isObject(data) || Object.hasOwn(data, 'scheduledTime');
}
