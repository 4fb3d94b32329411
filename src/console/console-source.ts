/** What the console shows and changes, whatever stands behind it: a folder of files, or a cluster. */
import type { PastEvent, PastEvents } from '../runtime/live/past-events.ts';
import type { EditingSource } from './editing-source.ts';
import type { TryOrder, TryResult } from './try-types.ts';
import type { WatchSource } from './watch-source.ts';

/** A function in the list. */
export interface FunctionRow {
  readonly namespace: string;
  readonly name: string;
  readonly ready: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  readonly programmed: string;
  readonly url?: string;
  readonly triggers: readonly { readonly name: string; readonly kind: string }[];
}

/** A page of the list of functions. */
export interface FunctionPageAnswer {
  /** Of the whole list, as far as the filter leaves it. */
  readonly total: number;
  readonly rows: readonly FunctionRow[];
}

/** What changed: functions, or calls and what waits. */
export type Change = 'functions' | 'calls' | 'measures';

/** A mistake or a doubt, at its place in the text it is about; lines and columns count from 1. */
export interface Remark {
  readonly severity: 'error' | 'warning' | 'note';
  /** Which text it is about: the resource, or the Lua file beside it. */
  readonly text: 'yaml' | 'lua';
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
}

/** The source of one function. */
export interface FunctionText {
  /** For people: the file, or the resource. */
  readonly place: string;
  readonly yaml: string;
  /** Where the code stands beside the resource; else it is in `yaml`. */
  readonly lua?: { readonly place: string; readonly text: string };
  /** Of both texts: a save names the one it is based on. */
  readonly version: string;
}

/** What a person wrote. */
export interface Draft {
  readonly yaml: string;
  readonly lua?: string;
}

export type SaveResult =
  | { readonly kind: 'saved'; readonly text: FunctionText }
  /** Somebody changed it since `version`: nothing was written. */
  | { readonly kind: 'conflict'; readonly theirs: FunctionText }
  /** Others look after fields that it changes: nothing was written. `yielded`: the draft with theirs in those fields. */
  | { readonly kind: 'owned'; readonly fields: readonly OwnedField[]; readonly yielded: Draft }
  /** It cannot be stored: nothing was written. */
  | { readonly kind: 'refused'; readonly message: string };

/** A field of a resource that somebody else looks after. */
export interface OwnedField {
  /** `.spec.triggers[name="web"].http.path`. */
  readonly field: string;
  /** Names of field managers: `kubectl`, `argocd-controller`. */
  readonly owners: readonly string[];
  /** YAML; empty: it is not there. */
  readonly theirs: string;
  readonly mine: string;
}

/** An event that a trigger of the function can be tried on. */
export interface Sample {
  /** Undefined: a call by name. */
  readonly trigger?: string;
  /** `github`, or the kind of a trigger that has no sender. */
  readonly kind: string;
  /** In the sender's words. */
  readonly event: string;
  readonly body: string;
  /** The path of the route, with its parameters: to be filled in. */
  readonly path?: string;
  /** The first that the route takes, where it does not take all. */
  readonly method?: string;
  /** A real one. */
  readonly past?: PastEvent;
}

/** Real events of a function, or why they cannot be shown. */
export type PastEventAnswer =
  | (PastEvents & { readonly kind: 'events' })
  | { readonly kind: 'refused'; readonly message: string };

export interface ConsoleStatus {
  readonly version: string;
  readonly mode: 'local' | 'cluster';
  /** The folder, or the context. */
  readonly place: string;
}

/** A parameter, or a field of a table. */
export interface LanguageField {
  readonly name: string;
  readonly type: string;
  readonly description: string;
}

/** A name that Lua knows here, as the reference page shows it. */
export interface LanguageEntry {
  /** `crypto.sha256`. */
  readonly name: string;
  /** `crypto.sha256(data, encoding) → digest`. */
  readonly signature: string;
  readonly parameters: readonly LanguageField[];
  /** Names of what it gives, in one text. */
  readonly returns: string;
  readonly summary: string;
  /** A value, not a function. */
  readonly value: boolean;
}

/** What the editor knows of Lua here. */
export interface LanguageHelp {
  readonly entries: readonly LanguageEntry[];
  /** Fields of `event` and of the tables in it. */
  readonly event: Readonly<Record<'event' | 'request' | 'sender', readonly LanguageField[]>>;
}

export interface ConsoleSource {
  readonly editing: EditingSource;
  status(): ConsoleStatus;
  functions(): Promise<readonly FunctionRow[]>;
  /** Undefined: there is none. */
  text(namespace: string, name: string): Promise<FunctionText | undefined>;
  /** What is wrong with a draft of that function; nothing of it is stored or runs. */
  check(namespace: string, name: string, draft: Draft): Promise<readonly Remark[]>;
  /** `takeOver`: also over fields that others look after, which were shown. */
  save(namespace: string, name: string, draft: Draft, version: string, takeOver: boolean): Promise<SaveResult>;
  /** What the triggers of a draft can be tried on. */
  samples(namespace: string, name: string, draft: Draft): Promise<readonly Sample[]>;
  /** Real ones. `catching`: undefined leaves it as it is; true keeps what comes in, for half a minute, false ends that. */
  pastEvents(namespace: string, name: string, catching: boolean | undefined): Promise<PastEventAnswer>;
  /** Runs a draft beside everything live: own store, placeholders for secrets. */
  try(namespace: string, name: string, draft: Draft, order: TryOrder): Promise<TryResult>;
  /** Recent calls, the newest first, as `calls -o json` shows them. */
  calls(namespace: string, name: string): Promise<readonly unknown[]>;
  readonly watching: WatchSource;
  /** Calls back when something may have changed; answers how to stop. */
  watch(listener: (change: Change) => void): () => void;
}
