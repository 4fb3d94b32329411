/**
 * The store as seen from any thread: a `Store` over a message port to the store's thread. What is asked in one turn of the
 * event loop is one message, and so is what is answered in one turn of the store: each message costs both ends 5 to 10 µs.
 */
import type { MessagePort } from 'node:worker_threads';
import { withEvents, type AppendedAway } from './append-answer.ts';
import { PendingRequests } from './pending-requests.ts';
import { toError } from './store-errors.ts';
import { StoreFailed } from './store-failed.ts';
import type { StoreAnswer, StoreRequest } from './sqlite-thread.ts';
import type { Store } from './store.ts';
import { takeInTurns } from './take-in-turns.ts';

/** `port` is one end of a channel whose other end the store's thread has. `close` ends this connection only. */
export function connectStore(port: MessagePort, durable: boolean): Store {
  const pending = new PendingRequests();
  const listeners = new Set<() => void>();
  let closed = false;

  let asked: StoreRequest[] = [];

  // What goes on with an answer (a handler that waited) may take a while: other callers have their turn in between.
  const hear = takeInTurns<StoreAnswer>(
    { nextTurn: (callback) => void setImmediate(callback), now: () => performance.now(), isBusy: () => true },
    (answer) => {
      if ('wake' in answer) {
        for (const listener of listeners) listener();
        return;
      }
      const request = pending.take(answer.id);
      if ('error' in answer) request?.reject(toError(answer));
      else request?.resolve(answer.value as never);
      if (pending.size === 0) port.unref();
    },
  );
  port.on('message', hear);
  port.on('close', () => {
    closed = true;
    for (const { reject } of pending.takeAll()) reject(new StoreFailed('the store has been closed'));
  });
  port.unref();

  function send(): void {
    const requests = asked;
    asked = [];
    if (closed || requests.length === 0) return;
    try {
      port.postMessage(requests);
    } catch (error) {
      // What cannot be sent fails alone.
      if (requests.length === 1) fail(requests[0]?.id, error as Error);
      else for (const request of requests) sendAlone(request);
    }
  }

  function sendAlone(request: StoreRequest): void {
    try {
      port.postMessage([request]);
    } catch (error) {
      fail(request.id, error as Error);
    }
  }

  function fail(id: number | undefined, error: Error): void {
    if (id === undefined) return;
    pending.take(id)?.reject(error);
    if (pending.size === 0) port.unref();
  }

  function ask<Value>(operation: StoreRequest['operation'], ...values: readonly unknown[]): Promise<Value> {
    if (closed) return Promise.reject(new StoreFailed('the store has been closed'));
    port.ref();
    return new Promise<Value>((resolve: (value: Value) => void, reject) => {
      const id = pending.add({ resolve, reject });
      asked.push({ id, operation, arguments: values });
      if (asked.length === 1) setImmediate(send);
    });
  }

  return {
    durable,
    owner: (claim) => ask('owner', claim),
    append: async (items) => withEvents(items, await ask<readonly AppendedAway[]>('append', items)),
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
