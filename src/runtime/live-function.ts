/** One function of the table as a worker serves it: its entry, the code that answers, and each trigger made ready. */
import type { HostContext } from '../host/types.ts';
import type { ProgramHandle } from '../lua/engine-contract.ts';
import type { CallLimits, LuaMistake } from '../lua/types.ts';
import type { PreparedReceiver, ReceiverSecrets } from '../receivers/types.ts';
import type { Rejection, ServingCode } from '../routing/last-good.ts';
import type { FunctionEntry, HttpTriggerEntry, ResolvedLimits, TriggerEntry } from '../routing/types.ts';
import { createHide, secretsOf, type Hide } from './hide-secrets.ts';
import type { Shelf } from './quiet-records.ts';
import type { Noted } from './record-buffer.ts';
import type { FunctionPlaces } from './worker-messages.ts';

/** A loaded program; unloaded when it is retired and the last call of it has ended. */
export interface LiveProgram {
  readonly revision: string;
  readonly handlers: ReadonlySet<string>;
  /** What the engine finds it by. */
  readonly handle: ProgramHandle | undefined;
  calls: number;
  retired: boolean;
}

/** Why a trigger cannot answer now. */
export interface Unavailable {
  readonly code: 'NotResolved' | 'HandlerMissing';
  readonly message: string;
}

export interface LiveReceiver {
  readonly name: string;
  /** Names of events that the trigger wants; undefined: what the sender's profile says. */
  readonly events: readonly string[] | undefined;
  readonly prepared: PreparedReceiver;
  readonly secrets: ReceiverSecrets;
  /** Headers and query names that are credentials, lower case headers. */
  readonly credentialHeaders: ReadonlySet<string>;
  readonly credentialQuery: ReadonlySet<string>;
  readonly credentialParams: ReadonlySet<string>;
}

/** Names under which the expressions of a trigger are compiled with the function. */
export interface ExpressionNames {
  readonly filter?: string;
  readonly rateKey?: string;
  readonly concurrencyKey?: string;
  readonly dedupKey?: string;
  readonly debounceKey?: string;
  readonly changed?: string;
}

/**
 * What each request reads stands here itself: entries come from another thread, with their members in a list of their own,
 * and among ten thousand functions both are in no cache.
 */
export interface LiveTrigger {
  /** Row of its counters. */
  readonly row: number;
  /** Events are stored before they are answered. */
  readonly asynchronous: boolean;
  /** Set: the request cannot be verified, so not even an asynchronous one is accepted. */
  readonly unverifiable: Unavailable | undefined;
  readonly unavailable: Unavailable | undefined;
  readonly handler: string | undefined;
  readonly receiver: LiveReceiver | undefined;
  readonly expressions: ExpressionNames;
  /** Undefined: the function's. */
  readonly limits: CallLimits | undefined;
  /** `limits` as the table has them. */
  readonly bounds: ResolvedLimits;
  /** `http` where it says what few say: `rate`, `concurrency`, `publish`, `ackAfter`, `cors`. */
  readonly extras: HttpTriggerEntry | undefined;
  readonly entry: TriggerEntry;
  /** Set for HTTP triggers. */
  readonly http: HttpTriggerEntry | undefined;
  /** Of its deliveries; made with the first accepted event. */
  destination: string | undefined;
}

/** Makes what a function needs when it is first called: most functions of a large table are not. One for all functions. */
export interface LiveMaker {
  trigger(entry: TriggerEntry, fn: LiveFunction): LiveTrigger;
  context(entry: FunctionEntry): HostContext;
}

/** How the load of a function came out: what its triggers are made ready by. */
export interface LoadOutcome {
  readonly serving: ServingCode | undefined;
  readonly rejection: Rejection | undefined;
  /** Expressions that do not compile, by name. */
  readonly broken: ReadonlyMap<string, LuaMistake>;
}

export class LiveFunction {
  // What each request reads stands first: see `LiveTrigger`.
  readonly uid: string;
  readonly suspended: boolean;
  /** Position in the shared arrays. */
  readonly index: number;
  readonly limits: ResolvedLimits;
  /** Of `program`: what the engine finds it by. */
  readonly handle: ProgramHandle | undefined;
  /** Undefined: no version of its code ever loaded. */
  readonly program: LiveProgram | undefined;
  #context: HostContext | undefined = undefined;
  /** Of its quiet records. */
  shelf: Shelf<Noted> | undefined = undefined;
  readonly entry: FunctionEntry;
  /** Row of calls without a trigger. */
  readonly callRow: number;
  /** Of each trigger that has one of its own. */
  readonly triggerRows: FunctionPlaces['triggerRows'];
  readonly outcome: LoadOutcome;
  readonly #make: LiveMaker;
  /** The first that was asked for: most functions have one. */
  #first: LiveTrigger | undefined = undefined;
  /** The others. */
  #others: Map<TriggerEntry, LiveTrigger> | undefined = undefined;
  /** Null: it has no secrets. */
  #hide: Hide | null | undefined = undefined;

  constructor(
    entry: FunctionEntry,
    { index, callRow, triggerRows }: FunctionPlaces,
    program: LiveProgram | undefined,
    outcome: LoadOutcome,
    make: LiveMaker,
  ) {
    this.entry = entry;
    this.uid = entry.uid;
    this.suspended = entry.suspended;
    this.limits = entry.limits;
    this.index = index;
    this.callRow = callRow;
    this.triggerRows = triggerRows;
    this.handle = program?.handle;
    this.program = program;
    this.outcome = outcome;
    this.#make = make;
  }

  /** By name. */
  trigger(name: string): LiveTrigger | undefined {
    const found = this.entry.triggers.find((entry) => entry.name === name);
    return found === undefined ? undefined : this.triggerOf(found);
  }

  /** By its entry in `entry`: no name has to be read, and no list. */
  triggerOf(entry: TriggerEntry): LiveTrigger | undefined {
    if (this.#first?.entry === entry) return this.#first;
    const known = this.#others?.get(entry);
    if (known !== undefined) return known;
    if (!this.entry.triggers.includes(entry)) return undefined;
    const made = this.#make.trigger(entry, this);
    if (this.#first === undefined) this.#first = made;
    else (this.#others ??= new Map()).set(entry, made);
    return made;
  }

  /** Masks its secrets in texts about it; made with the first text. Undefined: it has none. */
  get hide(): Hide | undefined {
    if (this.#hide === undefined) this.#hide = createHide(secretsOf(this.entry)) ?? null;
    return this.#hide ?? undefined;
  }

  /** Of calls that start a chain; others get a copy with their hops. */
  get context(): HostContext {
    return (this.#context ??= this.#make.context(this.entry));
  }
}
