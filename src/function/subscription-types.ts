/** WebhookSubscription as users write it: where events of a namespace are sent, and how. */
import type { apiVersion, KeyReference, ObjectMeta, Retry } from './types.ts';

/** Shapes of outgoing requests. */
export const outgoingFormats = ['standardWebhooks', 'cloudEvents', 'github'] as const;
export type OutgoingFormat = (typeof outgoingFormats)[number];

export interface WebhookSubscription {
  readonly apiVersion: typeof apiVersion;
  readonly kind: 'WebhookSubscription';
  readonly metadata: ObjectMeta;
  readonly spec: SubscriptionSpec;
}

export interface OutgoingHeader {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly secretKeyRef?: KeyReference; readonly configMapKeyRef?: KeyReference };
}

/** Exactly one of `url` and `urlFrom`. */
export interface SubscriptionSpec {
  readonly class?: string;
  readonly suspend?: boolean;
  readonly url?: string;
  readonly urlFrom?: { readonly secretKeyRef: KeyReference };
  /** Event types, or everything below one: `com.acme.order.*`. */
  readonly events: readonly string[];
  readonly channels?: readonly string[];
  readonly filter?: string;
  readonly transform?: string;
  readonly secretRefs: readonly KeyReference[];
  readonly format?: OutgoingFormat;
  readonly headers?: readonly OutgoingHeader[];
  readonly retry?: Retry;
  readonly timeout?: string;
  readonly rate?: { readonly requests: number; readonly per: string };
  readonly concurrency?: number;
  readonly handshake?: { readonly origin: string };
  readonly ordered?: { readonly key?: string };
}
