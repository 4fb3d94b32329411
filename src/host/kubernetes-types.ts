/** What `k8s.*` asks of the cluster: never an identity, only the call and what it wants. */

export type KubernetesOperation = 'get' | 'list' | 'create' | 'update' | 'patch' | 'delete' | 'apply' | 'logs';

/** Of one operation; the namespace is that of the function unless another is named. */
export interface KubernetesArguments {
  /** `v1`, `apps/v1`. */
  readonly apiVersion: string;
  readonly kind: string;
  readonly name?: string;
  readonly namespace?: string;
  readonly subresource?: string;
  /** JSON text: an object, or a patch. */
  readonly body?: string;
  /** Of a patch; `merge` by default. */
  readonly type?: string;
  readonly labelSelector?: string;
  readonly metadataOnly?: boolean;
  /** Of a list: so many at most, from where the page before ended. */
  readonly limit?: number;
  readonly continue?: string;
  /** Of logs. */
  readonly container?: string;
  readonly previous?: boolean;
  readonly tail?: number;
}

export interface KubernetesQuestion {
  readonly callId: string;
  /** Of the function whose code asks. */
  readonly revision: string;
  readonly operation: KubernetesOperation;
  readonly arguments: KubernetesArguments;
}

export type KubernetesAnswer =
  /** JSON of the API server as it is, or the text of a log. */
  | { readonly ok: true; readonly text: string }
  | {
      readonly ok: false;
      readonly message: string;
      /** Of the API server; absent: it was not asked, or did not answer. */
      readonly status?: number;
      /** `NotFound`, `Forbidden`, `Conflict`, `TooLarge` … */
      readonly reason?: string;
      readonly retryAfterSeconds?: number;
    };

/** Asks for one function. It must not reject. */
export interface KubernetesCaller {
  call(question: KubernetesQuestion, remainingMs: number, signal: AbortSignal): Promise<KubernetesAnswer>;
}

/** Bytes of a body sent, and of an answer. */
export const kubernetesBodyCap = 1_048_576;
