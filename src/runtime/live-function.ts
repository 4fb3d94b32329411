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

export interface LiveFunction {
  readonly entry: FunctionEntry;
  /** Position in the shared arrays. */
  readonly index: number;
  /** Row of calls without a trigger. */
  readonly callRow: number;
  /** Undefined: no version of its code ever loaded. */
  readonly program: LiveProgram | undefined;
  readonly triggers: ReadonlyMap<string, LiveTrigger>;
  /** Context of calls that start a chain; others get a copy with their hops. */
  readonly context: HostContext;
}
