/** What files of local mode give: resources, ConfigMaps and Secrets, each with its place. */
import type { WebhookSubscription } from '../function/subscription-types.ts';
import type { WebhookFunction } from '../function/types.ts';
import type { CodeOrigin } from '../routing/types.ts';
import type { NamedFile } from './code-files.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { FieldPath } from './document-places.ts';
import type { LaterPlaces } from './parse-yaml.ts';

export interface DocumentBase {
  readonly namespace: string;
  readonly name: string;
  /** `Kind/namespace/name`: what makes two documents the same resource. */
  readonly identity: string;
  readonly file: string;
  readonly line: number;
}

export interface FunctionDocument extends DocumentBase {
  readonly kind: 'WebhookFunction';
  readonly resource: WebhookFunction;
  /** Found by parsing its text again: for messages, not for every function. */
  readonly places: LaterPlaces;
  /** Of its code (empty key) and of each module by name; absent where lines are not lines of a file. */
  readonly codeOrigins: ReadonlyMap<string, CodeOrigin>;
  /** Files of code it names. */
  readonly codeFiles: readonly NamedFile[];
  /** Path of the resource in its document: not empty inside a List. */
  readonly prefix: FieldPath;
}

export interface SubscriptionDocument extends DocumentBase {
  readonly kind: 'WebhookSubscription';
  readonly resource: WebhookSubscription;
  readonly places: LaterPlaces;
  /** Of each expression by its path: `spec.filter`. */
  readonly expressionOrigins: ReadonlyMap<string, CodeOrigin>;
  /** Path of the resource in its document: not empty inside a List. */
  readonly prefix: FieldPath;
}

/** A resource of ours: it has a standing, and a file that says so. */
export type ResourceDocument = FunctionDocument | SubscriptionDocument;

export interface ConfigurationDocument extends DocumentBase {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly entries: ReadonlyMap<string, Uint8Array>;
  readonly labels: Readonly<Record<string, string>>;
  /** Of a Secret. */
  readonly type?: string;
  /** It stands there, and cannot be used; where that is told. */
  readonly hasErrors?: true;
}

export type SourceDocument = ResourceDocument | ConfigurationDocument;

export interface FileReading {
  readonly documents: readonly SourceDocument[];
  /** Identities whose document is there but broken: their last valid form stays. */
  readonly broken: readonly string[];
  /** ConfigMaps and Secrets among them: whoever refers to one is not told that it does not exist. */
  readonly brokenConfiguration: readonly ConfigurationDocument[];
  /** Functions among them, reduced to code that can be judged for itself. */
  readonly codeOfBroken: readonly FunctionDocument[];
  /** True: a document could not even be named, so nothing this file held before is given up. */
  readonly unreadable: boolean;
  readonly diagnostics: readonly Diagnostic[];
}
