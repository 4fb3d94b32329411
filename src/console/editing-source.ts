/** What the editing half of the console is told: the schema that forms are made of, senders, times, starting points. */

/** A field of the resource as a form shows it. */
export interface FormField {
  readonly type: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'size' | 'any';
  readonly description: string;
  /** Of an object, in the order of the reference. */
  readonly properties?: Readonly<Record<string, FormField>>;
  /** Of an object whose names are the user's. */
  readonly values?: FormField;
  readonly required?: readonly string[];
  readonly items?: FormField;
  readonly choices?: readonly string[];
  readonly pattern?: string;
  /** What a text of `pattern` looks like. */
  readonly expected?: string;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** A sender of the catalogue, for choosing it and setting it up. */
export interface SenderRow {
  readonly name: string;
  readonly title: string;
  /** False: a general way of proof, not one vendor. */
  readonly vendor: boolean;
  readonly documentation: string;
  readonly scheme: string;
  /** What its secret is and where it is found; absent: it takes none. */
  readonly secret?: string;
  readonly setUp: readonly string[];
  readonly defaultMode: 'sync' | 'async';
  /** Its own fields where it cannot do without. */
  readonly example: Readonly<Record<string, unknown>>;
  /** Names of events that samples are there of. */
  readonly events: readonly string[];
}

/** What forms are made of. */
export interface FormKit {
  /** Of `spec`. */
  readonly spec: FormField;
  readonly senders: readonly SenderRow[];
  readonly timeZones: readonly string[];
}

/** When a schedule fires, or what is wrong with it. */
export type UpcomingTimes =
  | { readonly ok: true; readonly times: readonly { readonly at: number; readonly local: string }[] }
  | { readonly ok: false; readonly field: 'cron' | 'timeZone'; readonly message: string };

/** What a new function can be started from. */
export interface StartingPoint {
  /** `schedule`, `receiver:github`. */
  readonly key: string;
  /** A kind of trigger, a general way of proof, or one vendor. */
  readonly group: 'kind' | 'proof' | 'sender';
  readonly title: string;
  readonly trigger: 'http' | 'schedule' | 'event' | 'kubernetes';
  readonly description: string;
  /** What to do at the sender, step by step. */
  readonly setUp: readonly string[];
  /** Absent: it needs none. `generated`: any random text will do. */
  readonly secret?: { readonly about: string; readonly generated: boolean };
}

export interface CreateOrder {
  /** Absent: `default`. */
  readonly namespace?: string;
  readonly name: string;
  /** Key of a starting point. */
  readonly from: string;
  /** What the sender gave out; absent: a new one is made, where that can be. */
  readonly secret?: string;
}

export type CreateResult =
  | {
      readonly kind: 'created';
      readonly namespace: string;
      readonly name: string;
      readonly place: string;
      /** For the sender: told once, to the person who made it. */
      readonly secrets: readonly { readonly name: string; readonly value?: string }[];
      /** Where their values were written: a file of this machine, or a Secret of the cluster; absent: nowhere. */
      readonly secretPlace?: { readonly kind: 'file' | 'secret'; readonly name: string };
    }
  /** Nothing was written. */
  | { readonly kind: 'refused'; readonly message: string };

/** Where a new function can be. */
export interface NamespaceChoice {
  /** The one that is meant unless another is chosen. */
  readonly usual: string;
  /** Those to choose from, as far as they can be listed; empty: there is no choice. */
  readonly names: readonly string[];
}

export interface EditingSource {
  startingPoints(): readonly StartingPoint[];
  /** Undefined: functions of files name theirs. */
  namespaces(): Promise<NamespaceChoice | undefined>;
  create(order: CreateOrder): Promise<CreateResult>;
}
