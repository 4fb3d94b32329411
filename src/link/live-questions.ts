/** What a controller asks runtimes for the aggregated API, under the topics `query` (nothing changes) and `act`. */

/** A namespace as the API server knows it: its UID is the border, its name is for people. */
export interface AskedNamespace {
  readonly name: string;
  readonly uid: string;
}

/** How much of a record its reader may see: the outline alone, what the function logged too, or everything. */
export type RecordDepth = 'outline' | 'logs' | 'full';

type Fields = Readonly<Record<string, unknown>>;
type Query = Readonly<Record<string, string>>;

interface InNamespace {
  readonly namespace: AskedNamespace;
}

/** Without a namespace: of all that have a function or subscription. */
interface Anywhere {
  readonly namespace?: AskedNamespace;
}

export type LiveQuery =
  /** `remember`: a number under which the answer is remembered for a while, so that its changes can be asked for. */
  | (Anywhere & { readonly op: 'deliveries'; readonly query: Query; readonly remember?: string })
  /** What became different of them since change `from`, which is then change `to`; waits for the first for so long. */
  | (Anywhere & {
      readonly op: 'deliveryChanges';
      readonly query: Query;
      readonly snapshot: string;
      readonly from: number;
      readonly to: number;
      readonly waitMs: number;
    })
  /** `body`: with the body of its event, which only the whole depth shows. */
  | (InNamespace & {
      readonly op: 'delivery';
      readonly id: string;
      readonly depth: RecordDepth;
      readonly body?: boolean;
    })
  | (Anywhere & { readonly op: 'explain'; readonly id: string; readonly depth: RecordDepth })
  | (Anywhere & { readonly op: 'calls'; readonly query: Query; readonly depth: RecordDepth })
  | (Anywhere & { readonly op: 'running'; readonly query: Query })
  /** Records that came since `cursor`; waits for the first for so long. An unknown cursor begins anew. */
  | (Anywhere & {
      readonly op: 'follow';
      readonly query: Query;
      readonly depth: RecordDepth;
      readonly cursor: string;
      readonly waitMs: number;
    })
  | (InNamespace & {
      readonly op: 'explainRequest';
      readonly uid: string;
      readonly urls: readonly { readonly trigger: string; readonly url: string }[];
      readonly request: Fields;
    })
  /** What a draft of a function can be tried on: only for whoever may see what senders sent. */
  | (InNamespace & { readonly op: 'pastEvents'; readonly name: string; readonly catching?: boolean })
  /** What is in force of a function or subscription, secrets masked. */
  | (InNamespace & { readonly op: 'standing'; readonly uid: string })
  | (InNamespace & { readonly op: 'replayStatus'; readonly generation: number })
  | (InNamespace & { readonly op: 'readKeys'; readonly query: Query });

export type LiveAct =
  | (InNamespace & { readonly op: 'replay'; readonly body: Fields })
  | (InNamespace & { readonly op: 'cancelReplay'; readonly generation: number })
  | (InNamespace & { readonly op: 'cancel'; readonly body: Fields })
  | (InNamespace & { readonly op: 'setKey'; readonly body: Fields })
  | (InNamespace & { readonly op: 'deleteKey'; readonly query: Query })
  | (InNamespace & { readonly op: 'ping'; readonly name: string })
  | (InNamespace & {
      readonly op: 'request';
      /** Who asks, as the API server names it. */
      readonly principal: string;
      readonly method: string;
      /** Of the call listener: `/function/team-a/x/items?y=1`. */
      readonly path: string;
      readonly headers: readonly (readonly [string, string])[];
      readonly bodyBase64?: string;
    });

/** What a question is answered with, inside an answer of the link. */
export type LiveAnswer =
  | { readonly status: 200; readonly body: unknown }
  | { readonly status: 400 | 404 | 409; readonly message: string };

/** What was answered to a `request`. */
export interface PassedResponse {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly bodyBase64: string;
}

/** Bytes of an answer as JSON: what fits a message of the link. */
export const longestLiveAnswer = 3 * 1024 * 1024;
