/** The code of a function whose other fields are wrong: what can be said of it without guessing what they were meant to be. */
import { apiVersion, type WebhookFunction } from '../function/types.ts';
import type { FieldPath } from './document-places.ts';

/** Fields that change nothing about whether code and modules load. */
const independent = new Set<string | number>([
  'class',
  'suspend',
  'serviceAccountName',
  'egress',
  'retry',
  'callback',
  'triggers',
]);

const loading = ['code', 'codeFrom', 'modules', 'modulesFrom', 'env', 'envFrom', 'limits'] as const;

/** So many mistakes are listed at most: there may be others. */
const maxFindings = 50;

/** Undefined: a mistake stands in what the code is loaded with, or may be a misspelt part of it. */
export function codeAlone(
  fields: Readonly<Record<string, unknown>>,
  findings: readonly { readonly path: FieldPath }[],
): WebhookFunction | undefined {
  const elsewhere = ({ path: [first, second] }: { readonly path: FieldPath }): boolean =>
    first === 'metadata' || first === 'status' || (first === 'spec' && second !== undefined && independent.has(second));
  if (findings.length >= maxFindings || !findings.every(elsewhere)) return undefined;
  const { metadata, spec } = fields as unknown as WebhookFunction;
  const kept = loading.flatMap((field) => (spec[field] === undefined ? [] : [[field, spec[field]]]));
  return { apiVersion, kind: 'WebhookFunction', metadata: { name: metadata.name }, spec: Object.fromEntries(kept) };
}
