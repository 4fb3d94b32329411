/** What the console shows and changes, whatever stands behind it: a folder of files, or a cluster. */

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
  /** It cannot be stored: nothing was written. */
  | { readonly kind: 'refused'; readonly message: string };

export interface ConsoleStatus {
  readonly version: string;
  readonly mode: 'local' | 'cluster';
  /** The folder, or the context. */
  readonly place: string;
}

export interface ConsoleSource {
  status(): ConsoleStatus;
  functions(): Promise<readonly FunctionRow[]>;
  /** Undefined: there is none. */
  text(namespace: string, name: string): Promise<FunctionText | undefined>;
  /** What is wrong with a draft of that function; nothing of it is stored or runs. */
  check(namespace: string, name: string, draft: Draft): Promise<readonly Remark[]>;
  save(namespace: string, name: string, draft: Draft, version: string): Promise<SaveResult>;
  /** Calls back when a function's state may have changed; answers how to stop. */
  watch(listener: () => void): () => void;
}
