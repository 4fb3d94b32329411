/** Objects of `run.moonhook.dev` in the words that a local run answers in, and questions the other way. Pure. */
import type { PlainCall } from './call-lines.ts';
import type { CallQuery, PlainObject, Query } from './run-client.ts';

/** Without what only says which kind of object it is; its namespace and name beside the rest. */
export function plainObject({ apiVersion: _version, kind, metadata, ...fields }: PlainObject): PlainObject {
  const { namespace, name, ...more } = (metadata ?? {}) as { readonly namespace?: string; readonly name?: string };
  if (fields['items'] !== undefined) return { kind, ...fields, metadata: more };
  const own = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined || name === '' || name === '-' ? {} : { name }),
  };
  if (kind !== 'Function' && kind !== 'Subscription' && kind !== 'Runtime') return fields;
  return { ...(kind === 'Subscription' ? { kind: 'WebhookSubscription' } : {}), ...own, ...fields };
}

/** A call as its record has it: `kind` says how it came. */
export function plainCall({
  apiVersion: _version,
  kind: _kind,
  metadata: _metadata,
  via,
  ...record
}: PlainObject): PlainCall {
  return { ...record, kind: via } as PlainCall;
}

/** Where calls of this question are listed, and the parameters there: logs need another right than calls. */
export function queryOfCalls(query: CallQuery): {
  readonly path: {
    readonly resource: string;
    readonly namespace?: string;
    readonly name?: string;
    readonly subresource?: string;
  };
  readonly parameters: Query;
} {
  const { namespace, name, logged, ...rest } = query;
  const scope = namespace === undefined ? {} : { namespace };
  const own = name === undefined ? {} : { function: name };
  const limit = rest.limit ?? '100';
  if (logged === undefined) return { path: { resource: 'calls', ...scope }, parameters: { ...rest, ...own, limit } };
  return {
    path: { resource: 'functions', ...scope, name: name ?? '-', subresource: 'logs' },
    parameters: { ...rest, limit },
  };
}
