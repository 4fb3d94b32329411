/** Call records as the store keeps them: bytes, with what they are found by and how many of their kind are kept. */
import { deserialize, serialize } from 'node:v8';
import type { StoredRecord } from '../store/records.ts';
import { isQuiet, type CallRecord } from './call-record.ts';

export interface RecordRooms {
  readonly okPerFunction: number;
  readonly refusedPerTrigger: number;
  readonly unrouted: number;
}

export function toRow(record: CallRecord, rooms: RecordRooms): StoredRecord {
  const { namespaceUid = '', namespace = '', functionName = '', subscription = '', trigger = '' } = record;
  const { callId, eventId, deliveryId, outgoing, outcome, time } = record;
  return {
    namespaceUid,
    time,
    namespace,
    functionName,
    subscription,
    trigger,
    outcome,
    logged: record.error !== undefined || (record.log ?? []).length > 0,
    ids: [...new Set([callId, eventId, deliveryId, outgoing?.id].filter((id) => id !== undefined))],
    ...shelfOf(record, rooms),
    content: serialize(record),
  };
}

export function fromRow(content: Uint8Array): CallRecord {
  return deserialize(content) as CallRecord;
}

/** Quiet calls, refused requests and those that met no route are bounded by number; what is left, by age. */
function shelfOf(record: CallRecord, rooms: RecordRooms): Pick<StoredRecord, 'shelf' | 'room'> {
  const { functionUid, namespaceUid, outcome, trigger = '' } = record;
  if (functionUid === undefined) {
    if (namespaceUid === undefined) return { shelf: 'unrouted', room: rooms.unrouted };
    // Its bus, and what was for a function that is gone: no stranger's request takes their place.
    return isQuiet(outcome)
      ? { shelf: `ok of ${namespaceUid}`, room: rooms.okPerFunction }
      : { shelf: `ended of ${namespaceUid}`, room: rooms.unrouted };
  }
  if (isQuiet(outcome)) return { shelf: `ok ${functionUid}`, room: rooms.okPerFunction };
  return outcome === 'unverified' ? { shelf: `refused ${functionUid} ${trigger}`, room: rooms.refusedPerTrigger } : {};
}
