/** Which records somebody asks for. */
import type { Outcome } from '../telemetry/call-outcomes.ts';
import type { CallRecord } from './call-record.ts';
import { claimsId } from './claims-id.ts';

export interface RecordFilter {
  /** Records of other namespaces are not there. */
  readonly namespaceUid?: string;
  readonly namespace?: string;
  readonly functionName?: string;
  /** What this subscription sent. */
  readonly subscription?: string;
  readonly trigger?: string;
  readonly outcomes?: readonly Outcome[];
  /** A call id, an event id or the sender's delivery id, of a refused request the one it claims. */
  readonly id?: string;
  /** Only calls that wrote to their log or ended with an error. */
  readonly logged?: boolean;
  /** Not newer than this; milliseconds since the epoch. */
  readonly until?: number;
  /** Newest first, at most so many; default 100. */
  readonly limit?: number;
}

/** Whether a record is what a filter asks for. */
export function matchesRecord(record: CallRecord, filter: RecordFilter): boolean {
  const { namespaceUid, namespace, functionName, subscription, trigger, outcomes, logged, id, until } = filter;
  if (namespaceUid !== undefined && record.namespaceUid !== namespaceUid) return false;
  if (namespace !== undefined && record.namespace !== namespace) return false;
  if (functionName !== undefined && record.functionName !== functionName) return false;
  if (subscription !== undefined && record.subscription !== subscription) return false;
  if (trigger !== undefined && record.trigger !== trigger) return false;
  if (outcomes !== undefined && outcomes.length > 0 && !outcomes.includes(record.outcome)) return false;
  if (logged === true && record.error === undefined && (record.log ?? []).length === 0) return false;
  if (until !== undefined && record.time > until) return false;
  if (id === undefined || record.callId === id || record.eventId === id || record.deliveryId === id) return true;
  if (record.outgoing?.id === id) return true;
  return claimsId(record.captured, id);
}
