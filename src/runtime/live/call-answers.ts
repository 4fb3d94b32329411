/** What a runtime tells of calls: those that have ended, from their records, and those that have not. */
import { outcomes, type Outcome } from '../../telemetry/call-outcomes.ts';
import type { RecordFilter } from '../record-filter.ts';
import type { LiveAnswer } from '../../link/live-questions.ts';
import type { LiveView } from './live-view.ts';
import { toPlainRecord } from './plain-record.ts';

const ok = (body: unknown): LiveAnswer => ({ status: 200, body });

/** Reads the filter of a query; undefined members are not filtered by. */
export function readFilter(query: Readonly<Record<string, string | undefined>>): RecordFilter | string {
  const { namespace, name, subscription, trigger, outcome, logged, id, until, limit } = query;
  const wanted = outcome === undefined || outcome === '' ? [] : outcome.split(',');
  const unknown = wanted.find((word) => !(outcomes as readonly string[]).includes(word));
  if (unknown !== undefined) return `there is no outcome "${unknown}"; known are ${outcomes.join(', ')}`;
  if (limit !== undefined && !/^[1-9][0-9]{0,4}$/.test(limit)) return 'limit must be a number from 1 to 99999';
  if (until !== undefined && !/^\d{1,15}(?:\.\d{1,6})?$/.test(until))
    return 'until must be milliseconds since the epoch';
  return {
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { functionName: name }),
    ...(subscription === undefined ? {} : { subscription }),
    ...(trigger === undefined ? {} : { trigger }),
    ...(wanted.length === 0 ? {} : { outcomes: wanted as Outcome[] }),
    ...(logged === 'true' ? { logged: true } : {}),
    ...(id === undefined ? {} : { id }),
    // Times are shown to the microsecond: what the page before ended with is in the next one.
    ...(until === undefined ? {} : { until: Number(until) + 0.001 }),
    ...(limit === undefined ? {} : { limit: Number(limit) }),
  };
}

export async function listCalls(view: LiveView, filter: RecordFilter): Promise<LiveAnswer> {
  const records = await view.findRecords(filter);
  return ok({ calls: records.map(toPlainRecord) });
}

/** Calls that have not ended, in the form of records that have: the oldest first. */
export async function listRunningCalls(view: LiveView, filter: RecordFilter): Promise<LiveAnswer> {
  const { namespace, functionName, limit = 100 } = filter;
  const { functions } = view.table();
  const running = (await view.runningCalls()).filter((call) => {
    if (namespace !== undefined && call.namespace !== namespace) return false;
    if (functionName === undefined) return true;
    // A function that was made again under the name has none of the calls of the one before.
    return call.functionName === functionName && functions.has(call.functionUid);
  });
  const now = view.now();
  const calls = running.slice(0, limit).map((call) => ({
    ...call,
    kind: 'running',
    outcome: 'running',
    durationMs: Math.max(0, now - call.time),
  }));
  return ok({ calls });
}
