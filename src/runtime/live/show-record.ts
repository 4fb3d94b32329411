/** How much of a record its reader may see. Pure. */
import type { RecordDepth } from '../../link/live-questions.ts';
import type { CallRecord } from '../call-record.ts';

/**
 * The outline says what arrived, how it was judged and how it ended; what a function logged and did comes with `logs`, what
 * a sender sent only with `full`.
 */
export function showRecord(record: CallRecord, depth: RecordDepth): CallRecord {
  if (depth === 'full') return record;
  const { captured: _captured, request, ...known } = record;
  const target = request?.target.replace(/\?.*$/, '?…');
  const shown = { ...known, ...(request === undefined ? {} : { request: { ...request, target: target ?? '' } }) };
  if (depth === 'logs') return shown;
  const { log: _log, logTruncated: _cut, hostCalls: _calls, error, ...outline } = shown;
  if (error === undefined) return outline;
  const { traceback: _traceback, value: _value, ...place } = error;
  return { ...outline, error: place };
}
