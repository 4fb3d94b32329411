/** What building one function needs besides the function: the same for all functions of a build. */
import type { ResolvedLimits, WebhookFunction } from '../function/types.ts';
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import type { ReceiverDefinition } from '../receivers/types.ts';
import type { RoutePattern } from '../triggers/route-pattern.ts';
import type { ReferenceReader } from './read-references.ts';
import type { CallbackEntry, CodeOrigin, Problem, RouteEntry } from './types.ts';

/** A function as its source gives it; the same object as long as nothing about it changed. */
export interface FunctionInput {
  /** Checked against the schema. `metadata.uid` and `metadata.namespace` are set. */
  readonly resource: WebhookFunction;
  readonly namespaceUid: string;
  /** Local mode: where the main code (empty key) and each module by its name stand. */
  readonly codeOrigins?: ReadonlyMap<string, CodeOrigin>;
}

export interface BuildContext {
  readonly policy: InstallationPolicy;
  readonly receivers: ReadonlyMap<string, ReceiverDefinition>;
  readonly mode: 'cluster' | 'local';
  /** A local run beside a cluster. */
  readonly followsCluster: boolean;
  readonly reader: ReferenceReader;
  readonly namespace: string;
  /** Of the function, for its triggers. */
  readonly limits: ResolvedLimits;
  readonly retryScheduleMs: readonly number[];
  readonly callback: CallbackEntry | undefined;
}

/** A route that a trigger wants; whether it gets it depends on all the others. */
export interface RouteClaim {
  readonly trigger: string;
  /** Position in the trigger's routes. */
  readonly index: number;
  readonly route: RouteEntry;
  readonly pattern: RoutePattern;
  /** Host of the installation's grant; undefined: that of any other host. Routes of two grants never meet. */
  readonly grant: string | undefined;
  /** Where the user wrote it. */
  readonly path: string;
}

/** One trigger with everything found while building it. */
export interface BuiltTrigger<Entry> {
  readonly entry: Entry;
  readonly claims: readonly RouteClaim[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}
