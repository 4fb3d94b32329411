/** Answers requests of `connectStore` from a store of this thread: for engines that need no thread of their own. */
import type { MessagePort } from 'node:worker_threads';
import { addAnswer, appendAnswer } from './append-answer.ts';
import { requestsOf } from './append-message.ts';
import { fromError } from './store-errors.ts';
import { HeldLeases } from './held-leases.ts';
import type { StoreAnswer, StoreMessage } from './sqlite-thread.ts';
import type { AppendItem, Appended, Store } from './store.ts';

/** Until the port is closed from the other end: then what was leased over it and not given up is given back. */
export function serveStore(store: Store, port: MessagePort): void {
  let answers: StoreAnswer[] = [];
  const held = new HeldLeases();
  let scheduled = false;
  let unanswered = 0;
  let closed = false;
  /** What is answered in one turn of the event loop is one message. */
  function answer(told: StoreAnswer): void {
    addAnswer(answers, told);
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      const all = answers;
      answers = [];
      scheduled = false;
      port.postMessage(all);
    });
  }
  const stopWaking = store.wake(() => answer({ wake: true }));
  port.on('message', (message: StoreMessage) => {
    for (const request of requestsOf(message)) {
      const { id, operation, arguments: values } = request;
      unanswered += 1;
      const answered = (store[operation] as (...each: readonly unknown[]) => Promise<unknown>)(...values);
      answered.then(
        (value) => {
          held.note(request, value);
          answer(
            operation === 'append' ? appendAnswer(id, values[0] as AppendItem[], value as Appended[]) : { id, value },
          );
          leave();
        },
        (error: Error) => {
          answer({ id, ...fromError(error) });
          leave();
        },
      );
    }
  });
  /** What it asked last comes first: it may have leased or settled something. */
  function leave(answers = 1): void {
    unanswered -= answers;
    const receipts = held.all();
    if (!closed || unanswered > 0 || receipts.length === 0) return;
    // A store that cannot be reached, or is being closed: their leases end by themselves.
    store.abandon(receipts).catch(() => undefined);
  }
  port.on('close', () => {
    stopWaking();
    closed = true;
    leave(0);
  });
}
