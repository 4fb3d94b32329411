/** Answers requests of `connectStore` from a store of this thread: for engines that need no thread of their own. */
import type { MessagePort } from 'node:worker_threads';
import { fromError } from './store-errors.ts';
import type { StoreAnswer, StoreRequest } from './sqlite-thread.ts';
import type { Store } from './store.ts';

/** Until the port is closed from the other end. */
export function serveStore(store: Store, port: MessagePort): void {
  const stopWaking = store.wake(() => port.postMessage({ wake: true } satisfies StoreAnswer));
  port.on('message', ({ id, operation, arguments: values }: StoreRequest) => {
    const answered = (store[operation] as (...each: readonly unknown[]) => Promise<unknown>)(...values);
    answered.then(
      (value) => port.postMessage({ id, value } satisfies StoreAnswer),
      (error: Error) => port.postMessage({ id, ...fromError(error) } satisfies StoreAnswer),
    );
  });
  port.on('close', stopWaking);
}
