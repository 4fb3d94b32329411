/** Answers requests of `connectStore` from a store of this thread: for engines that need no thread of their own. */
import type { MessagePort } from 'node:worker_threads';
import { withoutEvents } from './append-answer.ts';
import { fromError } from './store-errors.ts';
import type { StoreAnswer, StoreRequest } from './sqlite-thread.ts';
import type { AppendItem, Appended, Store } from './store.ts';

/** Until the port is closed from the other end. */
export function serveStore(store: Store, port: MessagePort): void {
  let answers: StoreAnswer[] = [];
  /** What is answered in one turn of the event loop is one message. */
  function answer(told: StoreAnswer): void {
    answers.push(told);
    if (answers.length > 1) return;
    setImmediate(() => {
      const all = answers;
      answers = [];
      port.postMessage(all);
    });
  }
  const stopWaking = store.wake(() => answer({ wake: true }));
  port.on('message', (requests: readonly StoreRequest[]) => {
    for (const { id, operation, arguments: values } of requests) {
      const answered = (store[operation] as (...each: readonly unknown[]) => Promise<unknown>)(...values);
      answered.then(
        (value) =>
          answer({
            id,
            value: operation === 'append' ? withoutEvents(values[0] as AppendItem[], value as Appended[]) : value,
          }),
        (error: Error) => answer({ id, ...fromError(error) }),
      );
    }
  });
  port.on('close', stopWaking);
}
