/** One call: who is calling, what it may still use, what it has learned. Lives in JavaScript only, never in Lua's memory. */
import { CallLog } from './call-log.ts';
import { MachineEnd } from './ends.ts';
import { formatBytes } from './format-bytes.ts';
import { Journal, type JournalRecord, type Reading } from './journal.ts';
import type { Delta } from './image.ts';
import type { LazyStates } from './lazy-tables.ts';
import type { LoadedProgram } from './loaded-program.ts';
import { changeHeld } from './namespace-books.ts';
import type { Machine } from './machine.ts';
import { weigh, type Operation } from './operation.ts';
import type {
  CallLimits,
  CallRequest,
  CallResult,
  HostCall,
  HostCallRecord,
  LogLevel,
  LuaKey,
  LuaValue,
} from './types.ts';

/** Clock, wall clock and randomness, given by the embedder. */
export interface Sources {
  /** Monotonic milliseconds with fractions. */
  clock(): number;
  /** CPU time of this thread, milliseconds. */
  threadCpu(): number;
  /** Milliseconds since the epoch. */
  now(): number;
  randomBytes(count: number): Uint8Array;
}

/** Bytes of charged host work that count as one millisecond of CPU. */
const chargePerMs = 4 * 1024 * 1024;
/** Bytes one reading in the journal is counted with. */
const readingBytes = 32;
/** Why everything that hangs on a call ends: without a reason each abort makes an exception with a stack, which nobody reads. */
const callEnded = 'the call has ended';

/** State of one call. Fields are read and written by the engine; host functions see the HostCall part. */
export class Call<Context = unknown> implements HostCall<Context> {
  readonly callId: string;
  readonly namespace: string;
  readonly namespaceUid: string;
  readonly functionName: string;
  readonly revision: string;
  readonly context: Context;
  readonly program: LoadedProgram;
  readonly request: CallRequest<Context>;
  readonly limits: CallLimits;
  readonly startedAt: number;
  readonly deadline: number;
  /** No waiting host function: filters, expressions, verification. */
  readonly pure: boolean;
  loading = false;
  ended = false;
  seeded = false;
  /** CPU of finished slices. */
  cpuMs = 0;
  charged = 0;
  held = 0;
  heldByOperations = 0;
  /** Outcomes and readings of a plain run, for a run again from its start. */
  keptBytes = 0;
  heldPeak = 0;
  memoryPeak = 0;
  /** On the roll of calls that run. */
  place = -1;
  /** Bytes reserved for it while it waits; 0: it does not wait. */
  reserved = 0;
  /** What Lua used of memory when the call was parked. */
  liveBytes = 0;
  hostCalls: HostCallRecord[] = [];
  hostCallCount = 0;
  /** Operations of this run that Lua has not seen the end of: the same number when the run is repeated. */
  unseen = 0;
  lines: CallLog;
  machine: Machine | undefined;
  /** Lua thread of the running attempt. */
  thread = 0;
  /** Values below the handler on the thread's stack. */
  stackBase = 0;
  /** Growth of the heap beyond counts as the call's memory. */
  heapFloor = 0;
  /** Where the heap ended when the handler was called. */
  heapStart = 0;
  lazies: LazyStates | undefined;
  lazySlots = 0;
  addresses: Map<number, number> | undefined;
  operations: Operation[] = [];
  operationCount = 0;
  waitingFor: Operation | undefined;
  journal: Journal | undefined;
  replay: JournalRecord | undefined;
  /** Runs through `promising`. */
  sliced = false;
  /** Tells apart the attempts of one call. */
  epoch = 0;
  /** Given a function by its name: V8 makes one that is written as a member's value among old objects, where it keeps its call. */
  settle: ((result: CallResult) => void) | undefined;
  /** What differs from the base image while it is not in a machine. */
  parked: Delta | undefined;
  /** Ended from outside while it ran: thrown at its next look at the clock. */
  pendingEnd: MachineEnd | undefined;
  /** Leaves the queue it stands in: for a turn or for a machine. */
  leaveQueue: (() => void) | undefined;
  #abort: AbortController | undefined;
  readonly #sources: Sources;

  constructor(program: LoadedProgram, request: CallRequest<Context>, limits: CallLimits, sources: Sources) {
    this.program = program;
    this.request = request;
    this.limits = limits;
    this.callId = request.callId;
    this.namespace = program.namespace;
    this.namespaceUid = program.namespaceUid;
    this.functionName = program.name;
    this.revision = program.revision;
    this.context = request.context;
    this.pure = request.pure === true || 'expression' in request.target;
    this.#sources = sources;
    this.startedAt = sources.clock();
    this.deadline = this.startedAt + limits.timeoutMs;
    this.lines = new CallLog(limits.logBytes, limits.logLines);
    this.replay = request.replay;
    if (this.replay !== undefined) {
      this.journal = new Journal();
      // One by one: a call that loops over the clock has more of them than a function may have arguments.
      for (const reading of this.replay.readings) this.journal.readings.push(reading);
      for (const resumption of this.replay.resumptions) this.journal.resumptions.push(resumption);
    }
  }

  remaining(): number {
    return Math.max(0, this.deadline - this.#sources.clock());
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.ended && !this.#abort.signal.aborted) this.#abort.abort(callEnded);
    return this.#abort.signal;
  }

  /** Aborts what hangs on the signal. */
  finish(): void {
    if (!this.ended) this.program.book.heldBytes -= this.held;
    this.ended = true;
    this.#abort?.abort(callEnded);
  }

  /** It stands in a queue, unless its turn has come at once. */
  waitsIn(leave: (() => void) | undefined): void {
    if (leave !== undefined) this.leaveQueue = leave;
  }

  /** A plain entry that takes too long is run again in slices, if it was not already. */
  get mayReslice(): boolean {
    return !this.sliced && !this.loading;
  }

  /** False: nobody will read the journal again. */
  get keepsJournal(): boolean {
    return !this.sliced || this.request.record === true;
  }

  /** One value from outside Lua, recorded. */
  reading<Value extends Reading>(make: () => Value): Value {
    if (!this.keepsJournal) return this.journal === undefined ? make() : this.journal.take(make, false);
    const reading = (this.journal ??= new Journal()).take(make, true);
    const bytes = readingBytes + weigh(reading);
    this.keptBytes += bytes;
    this.hold(bytes);
    return reading;
  }

  now(): number {
    return this.reading(() => this.#sources.now());
  }

  randomBytes(count: number): Uint8Array {
    return this.reading(() => this.#sources.randomBytes(count));
  }

  /** Not recorded: for waiting functions, whose outcome is recorded whole and whose order against Lua is not fixed. */
  worldNow(): number {
    return this.#sources.now();
  }

  worldRandom(count: number): Uint8Array {
    return this.#sources.randomBytes(count);
  }

  /** CPU used so far, recorded: `os.clock`. */
  cpuReading(): number {
    return this.reading(() => this.cpuMs + (this.machine?.sliceMs() ?? 0));
  }

  log(level: LogLevel, message: string, fields?: ReadonlyMap<LuaKey, LuaValue>): void {
    if (this.lines.truncated) return;
    const at = this.reading(() => Math.round((this.#sources.clock() - this.startedAt) * 1000) / 1000);
    this.lines.append(level, at, message, fields);
  }

  charge(bytes: number): void {
    this.charged += bytes;
    const { machine } = this;
    if (machine !== undefined && machine.state !== 0) machine.addWork(bytes >>> 4);
  }

  hold(bytes: number): void {
    const before = this.held;
    this.held = Math.max(0, before + bytes);
    if (this.held > this.heldPeak) this.heldPeak = this.held;
    if (this.ended) return;
    const over = changeHeld(this.program.book, this.held - before);
    this.machine?.applyMemoryLimit(this);
    if (this.held > this.limits.memoryBytes) throw this.memoryEnd();
    if (over !== undefined) throw over;
  }

  /** CPU of finished slices, and of work on its behalf elsewhere. */
  get usedMs(): number {
    return this.cpuMs + this.charged / chargePerMs;
  }

  memoryEnd(): MachineEnd {
    return new MachineEnd('memory', `used more memory than ${formatBytes(this.limits.memoryBytes)}`);
  }

  /** Throws the end of the call if its clock or CPU limit has passed. */
  check(now: number, sliceMs: number): void {
    if (this.pendingEnd !== undefined) throw this.pendingEnd;
    if (now >= this.deadline) throw new MachineEnd('timeout', `took longer than ${this.limits.timeoutMs} ms`);
    if (this.usedMs + sliceMs > this.limits.cpuMs) {
      throw new MachineEnd('cpu', `used more CPU time than ${this.limits.cpuMs} ms`);
    }
    if (this.request.signal?.aborted === true) throw new MachineEnd('cancelled', 'was cancelled');
  }

  /** Starts the next attempt: same readings and host results, a new log. */
  restart(): void {
    this.epoch += 1;
    this.cpuMs = 0;
    this.charged = 0;
    this.program.book.heldBytes -= this.held - this.heldByOperations;
    this.held = this.heldByOperations;
    this.lazies = undefined;
    this.lazySlots = 0;
    this.addresses = undefined;
    this.waitingFor = undefined;
    this.seeded = false;
    this.hostCallCount = 0;
    this.operationCount = 0;
    this.unseen = 0;
    this.lines = new CallLog(this.limits.logBytes, this.limits.logLines);
    this.journal?.rewind();
    for (const operation of this.operations) operation.visible = false;
  }

  /** Makes what has settled visible to Lua, in one recorded step. */
  reveal(): void {
    const arrived: number[] = [];
    for (const operation of this.operations) {
      if (operation.outcome === undefined || operation.visible) continue;
      this.#show(operation);
      arrived.push(operation.number);
    }
    if (this.keepsJournal) (this.journal ??= new Journal()).resumed(arrived);
  }

  /** In a repeated run: makes visible what was so at this point before; false: this point is new. */
  repeatResumption(): boolean {
    const recorded = this.journal?.nextResumption();
    if (recorded === undefined) return false;
    for (const number of recorded) {
      const known = this.operations[number - 1];
      if (known !== undefined) this.#show(known);
    }
    return true;
  }

  #show(operation: Operation): void {
    operation.visible = true;
    this.unseen -= 1;
  }

  record(): JournalRecord {
    return {
      seed: this.request.seed,
      readings: [...(this.journal?.readings ?? [])],
      outcomes: this.operations.map(({ outcome }) => outcome),
      told: this.operations.map(({ told }) => told),
      resumptions: [...(this.journal?.resumptions ?? [])],
    };
  }
}
