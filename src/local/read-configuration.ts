/** ConfigMap and Secret documents as the API server would take them: decoded entries, or what is wrong and where. */
import { Buffer } from 'node:buffer';
import { didYouMean } from '../function/suggest.ts';
import type { FieldPath } from './document-places.ts';

export interface ConfigurationMistake {
  readonly path: FieldPath;
  readonly message: string;
  readonly hint?: string;
}

export interface Configuration {
  readonly entries: ReadonlyMap<string, Uint8Array>;
  readonly mistakes: readonly ConfigurationMistake[];
}

const commonFields = ['apiVersion', 'kind', 'metadata', 'immutable'];
const fieldsOf = {
  ConfigMap: ['data', 'binaryData'],
  Secret: ['data', 'stringData', 'type'],
} as const;
/** Kubernetes' own bound on the data of either kind. */
const maxBytes = 1024 * 1024;

/** Reads the entries; messages name keys, never values. */
export function readConfiguration(
  kind: 'ConfigMap' | 'Secret',
  value: Readonly<Record<string, unknown>>,
): Configuration {
  const entries = new Map<string, Uint8Array>();
  const mistakes: ConfigurationMistake[] = [];
  const allowed = [...commonFields, ...fieldsOf[kind]];
  for (const field of Object.keys(value)) {
    if (allowed.includes(field)) continue;
    const hint = didYouMean(field, allowed);
    mistakes.push({
      path: [field],
      message: `unknown field "${field}" of a ${kind}`,
      ...(hint === undefined ? {} : { hint }),
    });
  }
  const encoded = kind === 'Secret' ? 'data' : 'binaryData';
  const plain = kind === 'Secret' ? 'stringData' : 'data';
  for (const [key, text] of textsOf(value, encoded, mistakes)) {
    const bytes = decodeBase64(text);
    if (bytes) entries.set(key, bytes);
    else {
      mistakes.push({
        path: [encoded, key],
        message: 'not base64',
        hint: `put plain text under ${plain}`,
      });
    }
  }
  for (const [key, text] of textsOf(value, plain, mistakes)) {
    if (kind === 'ConfigMap' && entries.has(key)) {
      mistakes.push({ path: [plain, key], message: `"${key}" stands in data and in binaryData` });
    }
    entries.set(key, Buffer.from(text, 'utf8'));
  }
  let size = 0;
  for (const [key, bytes] of entries) size += key.length + bytes.length;
  if (size > maxBytes) mistakes.push({ path: [plain], message: `a ${kind} holds at most 1 MiB` });
  return { entries, mistakes };
}

function* textsOf(
  value: Readonly<Record<string, unknown>>,
  field: string,
  mistakes: ConfigurationMistake[],
): Generator<[string, string]> {
  const map = value[field];
  if (map === undefined || map === null) return;
  if (typeof map !== 'object' || Array.isArray(map)) {
    mistakes.push({ path: [field], message: `${field} must be a map of texts` });
    return;
  }
  for (const [key, text] of Object.entries(map)) {
    if (!/^[-._a-zA-Z0-9]{1,253}$/.test(key)) {
      mistakes.push({ path: [field, key], message: 'a key may hold letters, digits, `-`, `_` and `.`' });
    } else if (typeof text === 'string') {
      yield [key, text];
    } else {
      mistakes.push({ path: [field, key], message: `must be text, not ${kindOf(text)}`, hint: 'put it in quotes' });
    }
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  return `a ${typeof value}`;
}

/** Standard base64 with padding; line breaks between are allowed as `base64` writes them. */
function decodeBase64(text: string): Uint8Array | undefined {
  const packed = text.replace(/[\r\n]/g, '');
  if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) return undefined;
  return Buffer.from(packed, 'base64');
}
