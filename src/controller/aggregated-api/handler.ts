/** What a handler of one resource and verb is given, and what it answers. */
import type { AskedNamespace, RecordDepth } from '../../link/live-questions.ts';
import type { Standing } from '../judge-standing.ts';
import type { Controller } from '../start-controller.ts';
import type { Refusal } from './api-status.ts';
import type { Runtimes } from './ask-runtimes.ts';
import type { Wanted } from './authorize-user.ts';
import type { ResourceRequest } from './read-path.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** An object of this API, as clients of Kubernetes expect one. */
export interface ApiObject extends Fields {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly creationTimestamp?: string;
    readonly [field: string]: unknown;
  };
}

export interface ApiList extends Fields {
  readonly metadata: Fields;
  readonly items: readonly ApiObject[];
}

export type Answered =
  | { readonly kind: 'object'; readonly object: Fields; readonly status?: 201 | 202 }
  | { readonly kind: 'list'; readonly list: ApiList }
  /** Events of a watch, until the generator ends or the client goes. */
  | { readonly kind: 'watch'; readonly events: AsyncIterable<WatchEvent> };

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: Fields;
}

export interface ApiParts {
  readonly controller: Controller;
  readonly runtimes: Runtimes;
  /** Asks the API server. */
  namespaceOf(name: string): Promise<AskedNamespace | Refusal>;
  /** Groups of runtimes that hold something of a namespace, that which serves it first; without one: all. */
  groupsOf(namespace: AskedNamespace | undefined): readonly string[];
  /** Rows of an answer were not what was asked for, and are left out: the runtime is broken or taken over. */
  onRefusedRows(group: string, rows: number): void;
  /** Tells every replica of the controller to read again what a function refers to; undefined: told. */
  refresh(standing: Standing): Promise<Refusal | undefined>;
  /** Resolves after so long, or with the signal. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** Milliseconds since the epoch. */
  wall(): number;
  /** From 0 up to 1. */
  random(): number;
}

export interface Asking {
  readonly request: ResourceRequest;
  /** As the API server names him. */
  readonly user: string;
  /** Empty: none. */
  readonly body: Buffer;
  /** Ends when the client goes. */
  readonly signal: AbortSignal;
  /** Whether the user may do something else, too; undefined: he may. */
  authorize(wanted: Wanted): Promise<Refusal | undefined>;
}

export type Handler = (parts: ApiParts, asking: Asking) => Promise<Answered | Refusal>;

/** How much of the records of a function its reader may see. */
export async function depthFor(asking: Asking, name: string): Promise<RecordDepth> {
  if ((await mayReadPayloads(asking, name)) === undefined) return 'full';
  return (await mayRead(asking, name, 'logs')) === undefined ? 'logs' : 'outline';
}

/** Undefined: they may see what senders sent. */
export function mayReadPayloads(asking: Asking, name: string): ReturnType<Asking['authorize']> {
  return mayRead(asking, name, 'records');
}

function mayRead(
  { authorize, request }: Asking,
  name: string,
  subresource: 'records' | 'logs',
): ReturnType<Asking['authorize']> {
  const { namespace } = request;
  const scope = namespace === undefined ? {} : { namespace };
  return authorize({ verb: 'get', resource: 'functions', name, ...scope, subresource });
}
