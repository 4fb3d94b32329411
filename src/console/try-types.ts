/** What a draft is tried on, and what came of it. */

/** An answer of the table for outgoing requests. */
export interface TryAnswer {
  /** Empty or `*`: any. */
  readonly method: string;
  /** `*` stands for any characters. */
  readonly url: string;
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

export interface TryOrder {
  readonly trigger?: string;
  readonly event?: string;
  readonly path?: string;
  /** Default: what the sender uses. */
  readonly method?: string;
  /** Beside those of the sender, or in their place. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: string;
  /** Of a real request: those that the sender's proof is made of are made anew. */
  readonly eventHeaders?: readonly (readonly [name: string, value: string])[];
  /** `table`: outgoing requests are answered by `answers` and nothing leaves the process. */
  readonly network: 'live' | 'table';
  readonly answers?: readonly TryAnswer[];
  /** YAML or JSON documents that stand for the cluster. */
  readonly objects?: string;
  /** By `NAME.KEY`; the others get placeholders. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** An outgoing request that the table was asked about. */
export interface TryRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** Which answer was given; absent: there was none. */
  readonly answeredBy?: number;
  readonly status?: number;
}

/** A call of `k8s.*` that the objects answered. */
export interface TryKubernetesCall {
  readonly operation: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name?: string;
  /** JSON of what was sent. */
  readonly body?: string;
  /** `ok`, or the reason of the refusal. */
  readonly result: string;
}

/** What came of it. Lines of the code count from the first line of the Lua. */
export interface TryReport {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly story: readonly string[];
  /** What reached the function, signed; absent for triggers that no request reaches. */
  readonly sent?: {
    readonly method: string;
    readonly target: string;
    readonly headers: readonly (readonly [name: string, value: string])[];
  };
  readonly requests: readonly TryRequest[];
  readonly kubernetes: readonly TryKubernetesCall[];
  /** The call record as `explain -o json` shows it. */
  readonly record?: Readonly<Record<string, unknown>>;
}

export type TryResult =
  | { readonly kind: 'ran'; readonly report: TryReport }
  | { readonly kind: 'refused'; readonly message: string };
