/** One function of the table as a worker serves it: its entry, the code that answers, and each trigger made ready. */
import type { HostContext } from '../host/types.ts';
import type { CallLimits } from '../lua/types.ts';
import type { PreparedReceiver, ReceiverSecrets } from '../receivers/types.ts';
import type { FunctionEntry, HttpTriggerEntry, TriggerEntry } from '../routing/types.ts';

/** A loaded program; unloaded when it is retired and the last call of it has ended. */
export interface LiveProgram {
  readonly revision: string;
  readonly handlers: ReadonlySet<string>;
  calls: number;
  retired: boolean;
}

/** Why a trigger cannot answer now. */
export interface Unavailable {
  readonly code: 'NotResolved' | 'HandlerMissing';
  readonly message: string;
}

export interface LiveReceiver {
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
}

export interface LiveTrigger {
  readonly entry: TriggerEntry;
  /** Set for HTTP triggers. */
  readonly http?: HttpTriggerEntry;
  /** Row of its counters. */
  readonly row: number;
  readonly handler?: string;
  readonly unavailable?: Unavailable;
  /** Set: the request cannot be verified, so not even an asynchronous one is accepted. */
  readonly unverifiable?: Unavailable;
  readonly receiver?: LiveReceiver;
  readonly expressions: ExpressionNames;
  /** Where they differ from the function's. */
  readonly limits: Partial<CallLimits>;
}

/** Makes what a function needs when it is first called: most functions of a large table are not. */
export interface LiveParts {
  trigger(entry: TriggerEntry): LiveTrigger;
  context(): HostContext;
}

export class LiveFunction {
  readonly entry: FunctionEntry;
  /** Position in the shared arrays. */
  readonly index: number;
  /** Row of calls without a trigger. */
  readonly callRow: number;
  /** Undefined: no version of its code ever loaded. */
  readonly program: LiveProgram | undefined;
  readonly #parts: LiveParts;
  #triggers: Map<string, LiveTrigger> | undefined = undefined;
  #context: HostContext | undefined = undefined;

  constructor(
    entry: FunctionEntry,
    { index, callRow }: { readonly index: number; readonly callRow: number },
    program: LiveProgram | undefined,
    parts: LiveParts,
  ) {
    this.entry = entry;
    this.index = index;
    this.callRow = callRow;
    this.program = program;
    this.#parts = parts;
  }

  /** By name. */
  trigger(name: string): LiveTrigger | undefined {
    const known = this.#triggers?.get(name);
    if (known !== undefined) return known;
    const entry = this.entry.triggers.find((each) => each.name === name);
    if (entry === undefined) return undefined;
    const made = this.#parts.trigger(entry);
    (this.#triggers ??= new Map()).set(name, made);
    return made;
  }

  /** The installation's policy is another one. */
  forgetContext(): void {
    this.#context = undefined;
  }

  /** Of calls that start a chain; others get a copy with their hops. */
  get context(): HostContext {
    return (this.#context ??= this.#parts.context());
  }
}
