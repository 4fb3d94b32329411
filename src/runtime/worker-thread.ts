/** One worker thread as the main thread sees it: started, asked, and ended. */
import { Worker } from 'node:worker_threads';
import type { KubernetesAnswer } from '../host/kubernetes-types.ts';
import type { AppendAnswer, AppendQuestion } from '../link/append-messages.ts';
import type { ProgramImage } from '../lua/engine-contract.ts';
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import type { Acknowledgement } from '../routing/types.ts';
import type { CaughtEvent } from './catch-in-worker.ts';
import type { ThreadSignals } from './thread-signals.ts';
import type { FunctionKubernetesCall } from './kubernetes-desk.ts';
import type { ReviewQuestion, ReviewVerdict } from './review-caller.ts';
import type { BreakerReport } from '../delivery/breakers.ts';
import type { NotReady } from './tell-not-ready.ts';
import type { Batch, FromWorker, ToWorker, WorkerChange, WorkerStart, WorkerStats } from './worker-messages.ts';
import type { Resting } from './why-resting.ts';

export interface WorkerEvents {
  batch(batch: Batch): void;
  log(level: 'info' | 'warn' | 'error', message: string, fields: Readonly<Record<string, unknown>>): void;
  /** May a caller do this? It must not reject. */
  review(question: ReviewQuestion): Promise<ReviewVerdict>;
  /** A Kubernetes call of a function. It must not reject. */
  kubernetes(call: FunctionKubernetesCall, signal: AbortSignal): Promise<KubernetesAnswer>;
  /** What the other threads are to hear of a receiver's host. */
  breaker(told: BreakerReport): void;
  caught(event: CaughtEvent): void;
  /** The thread ended although nobody ended it. */
  gone(reason: string): void;
}

export interface ListenPorts {
  readonly publicPort: number;
  readonly callsPort: number;
}

/** The thread has ended; what was asked of it will not be answered. */
export class WorkerGone extends Error {}

interface Waiting {
  resolve(value: never): void;
  reject(error: Error): void;
}

export class WorkerThread {
  readonly index: number;
  readonly signals: ThreadSignals;
  readonly #worker: Worker;
  readonly #waiting = new Map<string, Waiting>();
  readonly #clusterCalls = new Map<number, AbortController>();
  #nextId = 1;
  #ended = false;

  private constructor(worker: Worker, index: number, signals: ThreadSignals, events: WorkerEvents) {
    this.#worker = worker;
    this.index = index;
    this.signals = signals;
    worker.on('message', (message: FromWorker) => this.#take(message, events));
    worker.on('error', (error: Error) => this.#end(`it threw: ${error.message}`, events));
    worker.on('exit', (code) => this.#end(`it ended with code ${code}`, events));
  }

  /** Resolves when the engine of the thread is there; nothing listens yet. */
  static async start(start: WorkerStart, signals: ThreadSignals, events: WorkerEvents): Promise<WorkerThread> {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData: start,
      transferList: [start.storePort],
      name: `worker-${start.index}`,
    });
    const thread = new WorkerThread(worker, start.index, signals, events);
    await thread.#wait('ready');
    return thread;
  }

  /** `version`: with these changes the table is whole. */
  apply(
    changes: readonly WorkerChange[],
    images: readonly ProgramImage[],
    version: number | undefined,
  ): Promise<readonly Acknowledgement[]> {
    const id = this.#nextId++;
    this.#post({ kind: 'apply', id, changes, images, ...(version === undefined ? {} : { version }) });
    return this.#wait(`applied ${id}`);
  }

  /** What the thread has compiled of these functions, for other threads. */
  images(uids: readonly string[]): Promise<readonly ProgramImage[]> {
    const id = this.#nextId++;
    this.#post({ kind: 'images', id, uids });
    return this.#wait(`images ${id}`);
  }

  listen(ports: ListenPorts): Promise<ListenPorts> {
    this.#post({ kind: 'listen', ...ports });
    return this.#wait('listening');
  }

  /** Resolves when everything the thread holds has come through `batch`; of quiet records `quiet`. */
  flush(quiet?: number): Promise<void> {
    const id = this.#nextId++;
    this.#post({ kind: 'flush', id, quiet });
    return this.#wait(`flushed ${id}`);
  }

  stats(): Promise<WorkerStats> {
    const id = this.#nextId++;
    this.#post({ kind: 'stats', id });
    return this.#wait(`stats ${id}`);
  }

  /** Why nothing of these destinations starts, as the thread sees it. */
  resting(destinations: readonly string[]): Promise<Resting> {
    const id = this.#nextId++;
    this.#post({ kind: 'resting', id, destinations });
    return this.#wait(`resting ${id}`);
  }

  /** Rejects when the store failed, or the thread ended: it is not known whether anything was stored. */
  async append(question: AppendQuestion): Promise<AppendAnswer> {
    const id = this.#nextId++;
    this.#post({ kind: 'append', id, question });
    const answer = await this.#wait<AppendAnswer | { readonly failed: string }>(`appended ${id}`);
    if ('failed' in answer) throw new Error(answer.failed);
    return answer;
  }

  quarantine(uid: string, until: number): void {
    this.#post({ kind: 'quarantine', uid, until });
  }

  hearBreaker(told: BreakerReport): void {
    this.#post({ kind: 'breaker', told });
  }

  tellNotReady(notices: readonly NotReady[]): void {
    if (notices.length > 0) this.#post({ kind: 'notReady', notices });
  }

  setPolicy(policy: InstallationPolicy): void {
    this.#post({ kind: 'policy', policy });
  }

  follow(on: boolean): void {
    this.#post({ kind: 'follow', on });
  }

  catch(uids: readonly string[]): void {
    this.#post({ kind: 'catch', uids });
  }

  drain(graceMs: number): Promise<void> {
    this.#post({ kind: 'drain', graceMs });
    return this.#wait('drained');
  }

  /** Ends the thread at once, stuck or not; `gone` is not called. */
  async terminate(): Promise<void> {
    this.#close('the thread was ended');
    await this.#worker.terminate();
  }

  #post(message: ToWorker): void {
    if (!this.#ended) this.#worker.postMessage(message);
  }

  #wait<Value>(key: string): Promise<Value> {
    if (this.#ended) return Promise.reject(new WorkerGone('the thread has ended'));
    return new Promise<Value>((resolve, reject) => {
      this.#waiting.set(key, { resolve, reject });
    });
  }

  #settle(key: string, value: unknown): void {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    waiting?.resolve(value as never);
  }

  #take(message: FromWorker, events: WorkerEvents): void {
    switch (message.kind) {
      case 'ready':
        return this.#settle('ready', undefined);
      case 'review':
        return void events
          .review(message.question)
          .then((verdict) => this.#post({ kind: 'reviewed', id: message.id, verdict }));
      case 'kubernetes':
        return this.#askCluster(message.id, message.call, events);
      case 'kubernetesGivenUp':
        return this.#clusterCalls.get(message.id)?.abort();
      case 'listening':
        return this.#settle('listening', { publicPort: message.publicPort, callsPort: message.callsPort });
      case 'applied':
        return this.#settle(`applied ${message.id}`, message.acknowledgements);
      case 'images':
        return this.#settle(`images ${message.id}`, message.images);
      case 'appended':
        return this.#settle(`appended ${message.id}`, message.answer);
      case 'flushed':
        events.batch(message.batch);
        return this.#settle(`flushed ${message.id}`, undefined);
      case 'stats':
        return this.#settle(`stats ${message.id}`, message.stats);
      case 'resting':
        return this.#settle(`resting ${message.id}`, message.resting);
      case 'drained':
        return this.#settle('drained', undefined);
      case 'breaker':
        return events.breaker(message.told);
      case 'batch':
        return events.batch(message.batch);
      case 'urgent':
        events.batch(message.batch);
        return this.#post({ kind: 'urgentTaken' });
      case 'caught':
        return events.caught(message.event);
      case 'log':
        return events.log(message.level, message.message, message.fields ?? {});
      case 'failed':
        return this.#end(message.message, events);
    }
  }

  #askCluster(id: number, call: FunctionKubernetesCall, events: WorkerEvents): void {
    const control = new AbortController();
    this.#clusterCalls.set(id, control);
    void events.kubernetes(call, control.signal).then((answer) => {
      this.#clusterCalls.delete(id);
      if (!control.signal.aborted) this.#post({ kind: 'kubernetesAnswered', id, answer });
    });
  }

  #end(reason: string, events: WorkerEvents): void {
    if (this.#ended) return;
    this.#close(reason);
    void this.#worker.terminate();
    events.gone(reason);
  }

  #close(reason: string): void {
    this.#ended = true;
    for (const { reject } of this.#waiting.values()) reject(new WorkerGone(reason));
    this.#waiting.clear();
    for (const control of this.#clusterCalls.values()) control.abort();
  }
}
