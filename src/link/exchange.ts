/** Questions and answers over one link, in both directions: ids, time limits, cancellation, a cap on what is under way. */
import type { AskFailure, Exchange } from './protocol.ts';

export type Answer =
  | { readonly ok: true; readonly body: unknown }
  | { readonly ok: false; readonly code: AskFailure; readonly message: string };

/** Answers one question of the other side; `signal` ends when nobody waits any more. It must not reject. */
export type Answerer<Topic extends string> = (topic: Topic, body: unknown, signal: AbortSignal) => Promise<Answer>;

export interface AskOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

interface Waiting {
  settle(answer: Answer): void;
}

export class ExchangeDesk<Asked extends string, Answered extends string> {
  readonly #options: {
    send(message: Exchange<Asked>): void;
    readonly answer: Answerer<Answered>;
    readonly most: number;
    after(milliseconds: number, callback: () => void): () => void;
  };
  readonly #waiting = new Map<number, Waiting>();
  readonly #answering = new Map<number, AbortController>();
  #nextId = 1;
  #closed = false;

  constructor(options: {
    send(message: Exchange<Asked>): void;
    readonly answer: Answerer<Answered>;
    /** Questions under way at once, of either side. */
    readonly most: number;
    /** Calls back once; answers what stops it. */
    after(milliseconds: number, callback: () => void): () => void;
  }) {
    this.#options = options;
  }

  ask(topic: Asked, body: unknown, { timeoutMs, signal }: AskOptions): Promise<Answer> {
    if (this.#closed) return Promise.resolve(away);
    if (signal?.aborted === true) return Promise.resolve(cancelled);
    if (this.#waiting.size >= this.#options.most) {
      return Promise.resolve({ ok: false, code: 'Busy', message: 'too many questions are under way on this link' });
    }
    const id = this.#nextId++;
    return new Promise((resolve) => {
      const giveUp = (answer: Answer): void => {
        this.#options.send({ kind: 'cancel', id });
        settle(answer);
      };
      const abort = (): void => giveUp(cancelled);
      const settle = (answer: Answer): void => {
        this.#waiting.delete(id);
        stop();
        signal?.removeEventListener('abort', abort);
        resolve(answer);
      };
      const stop = this.#options.after(timeoutMs, () =>
        giveUp({ ok: false, code: 'TimedOut', message: `no answer within ${timeoutMs} ms` }),
      );
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiting.set(id, { settle });
      this.#options.send({ kind: 'ask', id, topic, body });
    });
  }

  /** Takes what the other side said; answers to nobody's question are dropped. */
  take(message: Exchange<Answered>): void {
    switch (message.kind) {
      case 'ask':
        return this.#take(message);
      case 'cancel':
        return this.#answering.get(message.id)?.abort();
      case 'answer': {
        const { id, kind: _kind, ...answer } = message;
        return this.#waiting.get(id)?.settle(answer);
      }
    }
  }

  /** The link is down: nobody will answer, and nobody waits. */
  close(): void {
    this.#closed = true;
    for (const { settle } of this.#waiting.values()) settle(away);
    for (const controller of this.#answering.values()) controller.abort();
    this.#answering.clear();
  }

  #take({ id, topic, body }: Exchange<Answered> & { readonly kind: 'ask' }): void {
    if (this.#answering.has(id)) return this.#reply(id, failed('the id of the question is taken'));
    if (this.#answering.size >= this.#options.most) {
      return this.#reply(id, { ok: false, code: 'Busy', message: 'too many questions of this link are under way' });
    }
    const controller = new AbortController();
    this.#answering.set(id, controller);
    void this.#options
      .answer(topic, body, controller.signal)
      .catch(() => failed('the answer could not be made: the log of the other side tells why'))
      .then((answer) => {
        this.#answering.delete(id);
        if (!controller.signal.aborted) this.#reply(id, answer);
      });
  }

  #reply(id: number, answer: Answer): void {
    if (!this.#closed) this.#options.send({ kind: 'answer', id, ...answer });
  }
}

const failed = (message: string): Answer => ({ ok: false, code: 'Failed', message });
const away: Answer = { ok: false, code: 'Away', message: 'the link is down' };
const cancelled: Answer = { ok: false, code: 'Failed', message: 'nobody waits for the answer any more' };
