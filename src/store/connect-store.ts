/**
 * The store as seen from any thread: a `Store` over a message port to the store's thread. What is asked in one turn of the
 * event loop is one message, and so is what is answered in one turn of the store: each message costs both ends 5 to 10 µs.
 */
import type { MessagePort } from 'node:worker_threads';
import { keptAnswer, withEvents, type AppendedAway } from './append-answer.ts';
import { AppendPacker, requestsOf, type PackedAppends } from './append-message.ts';
import { PendingRequests, type PendingRequest } from './pending-requests.ts';
import { toError } from './store-errors.ts';
import { StoreFailed } from './store-failed.ts';
import type { KeptAnswer, StoreAnswer, StoreRequest } from './sqlite-thread.ts';
import type { AppendItem, Appended, Store } from './store.ts';
import { takeForAWhile } from './take-for-a-while.ts';
import { takeInTurns, type TurnSource } from './take-in-turns.ts';

/** As threads that serve requests have it. */
export interface ConnectedStore extends Store {
  /** `append` without a promise: one of both is called, several after each other in one turn of the event loop. */
  appendThen(items: readonly AppendItem[], done: AppendDone, failed: (error: Error) => void): void;
}

type AppendDone = (appended: readonly Appended[]) => void;

const gone = (): Error => new StoreFailed('the store has been closed');

/** `port` is one end of a channel whose other end the store's thread has. `close` ends this connection only. */
export function connectStore(port: MessagePort, durable: boolean): ConnectedStore {
  const pending = new PendingRequests();
  const listeners = new Set<() => void>();
  let closed = false;

  let asked: (StoreRequest | PackedAppends)[] = [];
  /** Asked for after those. */
  const appends = new AppendPacker();
  let sending = false;

  // What goes on with an answer (a handler that waited) may take a while: other callers have their turn in between.
  const turns: TurnSource = {
    nextTurn: (callback) => void setImmediate(callback),
    now: () => performance.now(),
    isBusy: () => true,
  };
  const hear = takeInTurns<Exclude<StoreAnswer, KeptAnswer>>(turns, (answer) => {
    if ('wake' in answer) {
      for (const listener of listeners) listener();
      return;
    }
    const request = pending.take(answer.id);
    if ('error' in answer) request?.reject(toError(answer));
    else request?.resolve(answer.value as never);
    if (pending.size === 0) port.unref();
  });
  const hearKept = takeForAWhile<number>(turns, (id) => {
    pending.take(id)?.resolve(undefined as never);
    if (pending.size === 0) port.unref();
  });
  port.on('message', (answers: readonly StoreAnswer[]) => {
    const kept: number[] = [];
    const others: Exclude<StoreAnswer, KeptAnswer>[] = [];
    for (const answer of answers) {
      if (!('kept' in answer)) others.push(answer);
      else {
        for (const id of answer.kept) {
          if (pending.at(id)?.direct === true) kept.push(id);
          else others.push({ id, value: undefined });
        }
      }
    }
    if (kept.length > 0) hearKept(kept);
    if (others.length > 0) hear(others);
  });
  port.on('close', () => {
    closed = true;
    for (const { reject } of pending.takeAll()) reject(gone());
  });
  port.unref();

  function send(): void {
    sending = false;
    closeAppends();
    const parts = asked;
    asked = [];
    if (closed || parts.length === 0) return;
    try {
      port.postMessage(
        parts,
        parts.flatMap((part) => ('operation' in part ? [] : [part.bodies.buffer])),
      );
    } catch {
      // What cannot be sent fails alone.
      for (const request of requestsOf(parts)) sendAlone(request);
    }
  }

  function sendAlone(request: StoreRequest): void {
    try {
      port.postMessage([request]);
    } catch (error) {
      pending.take(request.id)?.reject(error as Error);
      if (pending.size === 0) port.unref();
    }
  }

  /** What is asked for now comes after the appends before it. */
  function closeAppends(): void {
    if (!appends.isEmpty) asked.push(appends.take());
  }

  function sendSoon(): void {
    if (sending) return;
    sending = true;
    setImmediate(send);
  }

  function begin(request: PendingRequest): number {
    port.ref();
    sendSoon();
    return pending.add(request);
  }

  function ask<Value>(operation: StoreRequest['operation'], ...values: readonly unknown[]): Promise<Value> {
    if (closed) return Promise.reject(gone());
    return new Promise<Value>((resolve: (value: Value) => void, reject) => {
      closeAppends();
      asked.push({ id: begin({ resolve, reject }), operation, arguments: values });
    });
  }

  function append(items: readonly AppendItem[], request: Omit<PendingRequest, 'resolve'>, done: AppendDone): void {
    if (closed) return request.reject(gone());
    const resolve = (appended: readonly AppendedAway[] | undefined): void =>
      done(appended === undefined ? keptAnswer(items) : withEvents(items, appended));
    const id = begin({ ...request, resolve });
    try {
      appends.add(id, items);
    } catch (error) {
      pending.take(id)?.reject(error as Error);
      if (pending.size === 0) port.unref();
    }
  }

  return {
    durable,
    owner: (claim) => ask('owner', claim),
    append: (items) => new Promise((resolve, reject) => append(items, { reject }, resolve)),
    appendThen: (items, done, reject) => append(items, { reject, direct: true }, done),
    appendIf: (conditional) => ask('appendIf', conditional),
    lease: (wishes, leaseMs) => ask('lease', wishes, leaseMs),
    release: (receipts, delayMs) => ask('release', receipts, delayMs),
    abandon: (receipts) => ask('abandon', receipts),
    extend: (receipts, leaseMs) => ask('extend', receipts, leaseMs),
    settle: (items) => ask('settle', items),
    read: (filter, page) => ask('read', filter, page),
    event: (namespaceUid, id) => ask('event', namespaceUid, id),
    replay: (filter, generation, to) => ask('replay', filter, generation, to),
    cancel: (filter) => ask('cancel', filter),
    counts: () => ask('counts'),
    isKnown: (namespaceUid, duplicate) => ask('isKnown', namespaceUid, duplicate),
    get: (scope, key) => ask('get', scope, key),
    write: (writes, expectations) => ask('write', writes, expectations),
    list: (scope, prefix, limit, after) => ask('list', scope, prefix, limit, after),
    claim: (claim) => ask('claim', claim),
    setQuotas: (quotas) => ask('setQuotas', quotas),
    setRetention: (retention) => ask('setRetention', retention),
    usage: (namespaceUid) => ask('usage', namespaceUid),
    backlog: (destination, enough) => ask('backlog', destination, enough),
    purge: (namespaceUid) => ask('purge', namespaceUid),
    measures: () => ask('measures'),
    heads: () => ask('heads'),
    wake(callback) {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    async ping() {
      await ask('counts');
    },
    async close() {
      send();
      port.close();
    },
  };
}
