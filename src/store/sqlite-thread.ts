/**
 * The store's own thread: owns the database, answers any number of ports. All requests that arrived in one turn of the
 * event loop share one transaction and one sync; each is answered only after it.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { errorMessage } from '../failures/error-message.ts';
import { addAnswer, appendAnswer } from './append-answer.ts';
import { requestsOf, type PackedAppends } from './append-message.ts';
import { HeldLeases } from './held-leases.ts';
import type { SqliteStore } from './sqlite-operations.ts';
import { openSqliteStore, type SqliteSettings, type TurnItem } from './sqlite-store.ts';
import { fromError, type ErrorAnswer } from './store-errors.ts';
import { StoreRefused } from './store-refused.ts';
import type { AppendItem, Appended, ConditionalAppend } from './store.ts';

export interface StoreRequest {
  readonly id: number;
  readonly operation: keyof SqliteStore;
  readonly arguments: readonly unknown[];
}

/** What is asked in one turn of an event loop, in order. */
export type StoreMessage = readonly (StoreRequest | PackedAppends)[];

/** Appends all of whose events are new, and none of them leased: who asked knows the rest. */
export interface KeptAnswer {
  readonly kept: number[];
}

export type StoreAnswer =
  | { readonly id: number; readonly value: unknown }
  | KeptAnswer
  | ({ readonly id: number } & ErrorAnswer)
  /** Something may have become due. */
  | { readonly wake: true };

export type ThreadMessage =
  | { readonly connect: MessagePort }
  | { readonly snapshot: string; readonly port: MessagePort }
  | { readonly close: true };

/** What the port of a snapshot is told; the last one is `done` or an error. */
export type SnapshotMessage =
  | { readonly pages: number; readonly total: number }
  | { readonly done: true }
  | { readonly error: string; readonly refused: boolean };

/** What the thread is started with. */
export interface ThreadSettings extends SqliteSettings {
  readonly idleMs: number;
}

/** Pause between two pieces of idle work while there is more of it. */
const idlePauseMs = 10;

const settings = workerData as ThreadSettings;
/** Operations after which another process part may find work. */
const waking: ReadonlySet<string> = new Set(['append', 'appendIf', 'settle', 'release', 'abandon', 'replay', 'cancel']);

/** Operations that a sender waits for. */
const appending: ReadonlySet<string> = new Set(['append', 'appendIf']);

const owner = openSqliteStore(settings, { wall: () => Date.now(), monotonic: () => performance.now() });
const ports = new Map<MessagePort, HeldLeases>();
/** What each port is told of a turn, in one message. */
let answers: { readonly port: MessagePort; readonly told: StoreAnswer[] }[] = [];
let waiting: TurnItem[] = [];
let scheduled = false;
let wake = false;
let closing = false;
const snapshots = new Set<Promise<void>>();

function flush(): void {
  scheduled = false;
  const items = waiting;
  waiting = [];
  wake = false;
  try {
    owner.turn(items);
    if (wake && owner.hasNews()) for (const port of ports.keys()) answer(port, { wake: true });
  } finally {
    const all = answers;
    answers = [];
    for (const { port, told } of all) port.postMessage(told);
  }
}

function appendsOf({ arguments: [asked] }: StoreRequest): readonly AppendItem[] {
  return Array.isArray(asked) ? (asked as readonly AppendItem[]) : (asked as ConditionalAppend).append;
}

function answer(port: MessagePort, told: StoreAnswer): void {
  const before = answers.find((each) => each.port === port);
  if (before === undefined) answers.push({ port, told: [told] });
  else addAnswer(before.told, told);
}

function take(port: MessagePort, request: StoreRequest): void {
  if (request.operation === 'heads') {
    // They are in memory, and between two turns memory is what the disk holds: nobody waits for a turn to read them.
    port.postMessage([{ id: request.id, value: owner.heads() }] satisfies readonly StoreAnswer[]);
    return;
  }
  waiting.push({
    ...(appending.has(request.operation) ? { arrived: performance.now(), appends: appendsOf(request) } : {}),
    run: (store) => (store[request.operation] as (...values: readonly unknown[]) => unknown)(...request.arguments),
    done(value) {
      if (waking.has(request.operation)) wake = true;
      ports.get(port)?.note(request, value);
      answer(
        port,
        request.operation === 'append'
          ? appendAnswer(request.id, request.arguments[0] as AppendItem[], value as Appended[])
          : { id: request.id, value },
      );
    },
    failed: (error) => answer(port, { id: request.id, ...fromError(error) }),
  });
  flushSoon();
}

function flushSoon(): void {
  if (scheduled) return;
  scheduled = true;
  setImmediate(flush);
}

/** The thread at the other end has ended: what it had leased runs elsewhere at once. What it said last comes first. */
function leave(port: MessagePort): void {
  if (scheduled) return void setImmediate(leave, port);
  const receipts = ports.get(port)?.all() ?? [];
  ports.delete(port);
  if (closing || receipts.length === 0) return;
  waiting.push({
    run: (store) => store.abandon(receipts),
    done: () => (wake = true),
    // Nothing can be written now: their leases end by themselves.
    failed: () => undefined,
  });
  flushSoon();
}

const ticking = setInterval(() => owner.tick(), settings.idleMs);
let idling: NodeJS.Timeout | undefined;

/** Trimming and checkpoints take turns with requests, in small pieces. */
function idle(): void {
  const more = !scheduled && owner.idle();
  idling = setTimeout(idle, more || scheduled ? idlePauseMs : settings.idleMs);
}
idling = setTimeout(idle, settings.idleMs);

parentPort?.on('message', (message: ThreadMessage) => {
  if ('connect' in message) {
    const port = message.connect;
    ports.set(port, new HeldLeases());
    port.on('message', (message: StoreMessage) => {
      for (const request of requestsOf(message)) take(port, request);
    });
    port.on('close', () => leave(port));
    return;
  }
  if ('snapshot' in message) {
    void snapshot(message.snapshot, message.port);
    return;
  }
  closing = true;
  void close();
});

/** A snapshot that is under way stops at its next step. */
async function close(): Promise<void> {
  await Promise.allSettled(snapshots);
  clearInterval(ticking);
  clearTimeout(idling);
  if (waiting.length > 0) flush();
  owner.close();
  for (const port of ports.keys()) port.close();
  parentPort?.close();
}

async function snapshot(to: string, port: MessagePort): Promise<void> {
  const say = (told: SnapshotMessage): void => port.postMessage(told);
  const made = owner.snapshot(to, (pages, total) => {
    if (closing) throw new Error('the store is being closed');
    say({ pages, total });
  });
  snapshots.add(made);
  try {
    await made;
    say({ done: true });
  } catch (error) {
    say({ error: errorMessage(error), refused: error instanceof StoreRefused });
  } finally {
    snapshots.delete(made);
    port.close();
  }
}

parentPort?.postMessage('ready');
