/** The store as seen from any thread: a `Store` over a message port to the store's thread. */
import type { MessagePort } from 'node:worker_threads';
import { toError } from './store-errors.ts';
import { StoreFailed } from './store-failed.ts';
import type { StoreAnswer, StoreRequest } from './sqlite-thread.ts';
import type { Store } from './store.ts';

interface Pending {
  // Each request knows the type of its own answer.
  resolve(value: never): void;
  reject(error: Error): void;
}

/** `port` is one end of a channel whose other end the store's thread has. `close` ends this connection only. */
export function connectStore(port: MessagePort, durable: boolean): Store {
  const pending = new Map<number, Pending>();
  const listeners = new Set<() => void>();
  let next = 1;
  let closed = false;

  port.on('message', (answer: StoreAnswer) => {
    if ('wake' in answer) {
      for (const listener of listeners) listener();
      return;
    }
    const request = pending.get(answer.id);
    pending.delete(answer.id);
    if ('error' in answer) request?.reject(toError(answer));
    else request?.resolve(answer.value as never);
    if (pending.size === 0) port.unref();
  });
  port.on('close', () => {
    closed = true;
    for (const { reject } of pending.values()) reject(new StoreFailed('the store has been closed'));
    pending.clear();
  });
  port.unref();

  function ask<Value>(operation: StoreRequest['operation'], ...values: readonly unknown[]): Promise<Value> {
    if (closed) return Promise.reject(new StoreFailed('the store has been closed'));
    const id = next++;
    port.ref();
    return new Promise<Value>((resolve: (value: Value) => void, reject) => {
      pending.set(id, { resolve, reject });
      port.postMessage({ id, operation, arguments: values } satisfies StoreRequest);
    });
  }

  return {
    durable,
    append: (items) => ask('append', items),
    appendIf: (conditional) => ask('appendIf', conditional),
    lease: (wishes, leaseMs) => ask('lease', wishes, leaseMs),
    release: (receipts, delayMs) => ask('release', receipts, delayMs),
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
      port.close();
    },
  };
}
