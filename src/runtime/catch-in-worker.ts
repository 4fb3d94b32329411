/**
 * Keeps nothing: sends the events of a few functions to the main thread while somebody asks to see them, as they would be
 * stored, without credentials. Of calls that were let in alone: a stranger cannot push the real ones out.
 */
import type { HttpCall } from './http-call.ts';
import { attributesOf, type EventAttributes } from './stored-event.ts';
import { RequestEvent } from './request-event.ts';

/** The event of a call that was answered. */
export interface CaughtEvent {
  readonly functionUid: string;
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly type: string;
  readonly trigger?: string;
  readonly attributes: EventAttributes;
  /** Its first bytes. */
  readonly body: Uint8Array;
  readonly bodyBytes: number;
}

/** Of a body; what is longer is told by its length. */
export const caughtBodyBytes = 64 * 1024;
/** Of a function, from one worker: more is no use to anybody who looks. */
const mostPerSecond = 5;

export class CatchingCalls {
  readonly #send: (event: CaughtEvent) => void;
  #uids: ReadonlySet<string> = new Set();
  readonly #sent = new Map<string, { second: number; count: number }>();
  /** False, nearly always: nothing else of a call is looked at. */
  active = false;

  constructor(send: (event: CaughtEvent) => void) {
    this.#send = send;
  }

  set(uids: readonly string[]): void {
    this.#uids = new Set(uids);
    this.#sent.clear();
    this.active = uids.length > 0;
  }

  take(call: HttpCall): void {
    const functionUid = call.fn?.entry.uid;
    if (functionUid === undefined || !this.#uids.has(functionUid)) return;
    if (call.listener === 'public' && call.sender === undefined) return;
    if (!this.#hasRoom(functionUid, Math.floor(call.time / 1_000))) return;
    const event = new RequestEvent(call);
    const { triggerName: trigger } = event;
    this.#send({
      functionUid,
      id: event.eventId,
      time: call.time,
      type: event.eventType,
      ...(trigger === undefined ? {} : { trigger }),
      attributes: attributesOf(call),
      // A copy: the call's own may be a view into what the socket read.
      body: Uint8Array.from(call.body.subarray(0, caughtBodyBytes)),
      bodyBytes: call.body.length,
    });
  }

  #hasRoom(uid: string, second: number): boolean {
    const sent = this.#sent.get(uid);
    if (sent === undefined || sent.second !== second) {
      this.#sent.set(uid, { second, count: 1 });
      return true;
    }
    sent.count += 1;
    return sent.count <= mostPerSecond;
  }
}
