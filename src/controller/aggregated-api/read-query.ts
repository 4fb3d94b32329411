/** What a list or a watch is asked for: field selectors and query parameters in one, paging, and what cannot be served. Pure. */
import { isObject } from '../../function/is-object.ts';
import { refusal, type Refusal } from './api-status.ts';
import type { ResourceRequest } from './read-path.ts';

export interface ListQuery {
  /** By which items are chosen. */
  readonly fields: Readonly<Record<string, string>>;
  readonly limit: number;
  /** By group of runtimes: where its next page begins. Undefined: the first page. */
  readonly position: Readonly<Record<string, string>> | undefined;
}

const mostItems = 1_000;
const usualItems = 500;

/** `known`: names of fields, besides those of the metadata, which is what `kubectl --field-selector` sends. */
export function readListQuery({ query, namespace }: ResourceRequest, known: readonly string[]): ListQuery | Refusal {
  const fields: Record<string, string> = {};
  for (const name of known) {
    const value = query.get(name);
    if (value !== null) fields[name] = value;
  }
  if ((query.get('labelSelector') ?? '') !== '') {
    return refusal(400, 'these have no labels to select by: use --field-selector');
  }
  for (const term of splitSelector(query.get('fieldSelector') ?? '')) {
    const [, name = '', value = ''] = /^([^=!]+)==?(.*)$/s.exec(term) ?? [];
    if (name === 'metadata.namespace' && value === namespace) continue;
    const own = name === 'metadata.name' ? 'id' : name;
    if (!known.includes(own)) {
      const names = ['metadata.name', ...known.filter((each) => each !== 'id')].join(', ');
      return refusal(400, `"${term}" is no field selector of this: FIELD=VALUE with one of ${names}`);
    }
    fields[own] = value;
  }
  const limit = query.get('limit') ?? '';
  if (limit !== '' && !/^[0-9]{1,9}$/.test(limit)) return refusal(400, 'limit must be a number');
  const wanted = Number(limit) === 0 ? usualItems : Number(limit);
  const text = query.get('continue') ?? '';
  const position = text === '' ? undefined : readPosition(text);
  if (position === 'bad') return refusal(400, 'continue must be what the page before answered');
  return { fields, limit: Math.min(wanted, mostItems), position };
}

/** Terms are joined by commas; a backslash keeps the character after it. */
function splitSelector(text: string): readonly string[] {
  if (text === '') return [];
  return (text.match(/(?:\\.|[^,\\])+/gs) ?? []).map((term) => term.replaceAll(/\\(.)/gs, '$1'));
}

/** The text of `metadata.continue`. */
export function formatPosition(position: Readonly<Record<string, string>>): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** `'bad'`: it is none of ours. */
export function readPosition(text: string): Readonly<Record<string, string>> | 'bad' {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (!isObject(value)) return 'bad';
    const entries = Object.entries(value);
    if (!entries.every((entry): entry is [string, string] => typeof entry[1] === 'string')) return 'bad';
    return Object.fromEntries(entries);
  } catch {
    return 'bad';
  }
}
