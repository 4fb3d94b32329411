/** Reads a request's body within its limit and within what may be read at once, per client address and in all. */
import type { IncomingMessage } from 'node:http';
import { GatheredBytes } from '../policy/gather-bytes.ts';
import type { RequestHead } from './request-head.ts';

export type BodyResult =
  | { readonly ok: true; readonly body: Uint8Array }
  | { readonly ok: false; readonly why: 'tooLarge' | 'overloaded' | 'aborted' };

const noBytes = new Uint8Array(0);
const empty: BodyResult = { ok: true, body: noBytes };
const tooLarge: BodyResult = { ok: false, why: 'tooLarge' };
const overloaded: BodyResult = { ok: false, why: 'overloaded' };
const aborted: BodyResult = { ok: false, why: 'aborted' };

/** Bytes of bodies that have begun to arrive and are not complete. */
export class ReadingBudget {
  readonly #perAddress: number;
  readonly #total: number;
  readonly #byAddress = new Map<string, number>();
  #held = 0;

  constructor(perAddress: number, total: number) {
    this.#perAddress = perAddress;
    this.#total = total;
  }

  get held(): number {
    return this.#held;
  }

  /** False: the cap of the address or of all is met, nothing was taken. */
  take(address: string, bytes: number): boolean {
    const own = (this.#byAddress.get(address) ?? 0) + bytes;
    if (own > this.#perAddress || this.#held + bytes > this.#total) return false;
    this.#byAddress.set(address, own);
    this.#held += bytes;
    return true;
  }

  give(address: string, bytes: number): void {
    const own = (this.#byAddress.get(address) ?? 0) - bytes;
    if (own <= 0) this.#byAddress.delete(address);
    else this.#byAddress.set(address, own);
    this.#held -= bytes;
  }
}

/** What is known before anything is read: there is none, or it is announced as too long. */
export function knownBody(head: RequestHead, limit: number): BodyResult | undefined {
  if (head.hasNoBody) return empty;
  return Number(head.contentLength ?? Number.NaN) > limit ? tooLarge : undefined;
}

/** Calls `done` once. A body over the limit is refused while it arrives; the rest is not read. */
export function readBody(
  request: IncomingMessage,
  head: RequestHead,
  limit: number,
  address: string,
  budget: ReadingBudget,
  done: (result: BodyResult) => void,
): void {
  const announced = Number(head.contentLength ?? Number.NaN);
  let first: Buffer | undefined;
  let more: GatheredBytes | undefined;
  let [size, held, ended] = [0, 0, false];
  // Listeners stay until the request goes: taking them off again costs more than what they do then.
  const end = (result: BodyResult): void => {
    if (ended) return;
    ended = true;
    first = undefined;
    more = undefined;
    if (held > 0) budget.give(address, held);
    done(result);
  };
  const onClose = (): void => end(aborted);
  request.on('data', (chunk: Buffer) => {
    if (ended) return;
    size += chunk.length;
    if (size > limit) return end(tooLarge);
    // A body that is complete waits for nothing.
    if (size !== announced) {
      if (!budget.take(address, chunk.length)) return end(overloaded);
      held += chunk.length;
    }
    if (more !== undefined) more.add(chunk);
    else if (first === undefined) first = chunk;
    else {
      more = new GatheredBytes();
      more.add(first);
      more.add(chunk);
      first = undefined;
    }
  });
  request.on('end', () => end({ ok: true, body: more?.all() ?? first ?? noBytes }));
  request.on('close', onClose);
  request.on('error', onClose);
}
