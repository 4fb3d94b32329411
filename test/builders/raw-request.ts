/** Builds requests as they arrive, for tests of receivers. */
import type { RawRequest, ReceiverSecrets } from '../../src/receivers/types.ts';

export interface RequestParts {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly params?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** A request with header names in lower case and the query decoded, as the HTTP layer hands it over. */
export function rawRequest(parts: RequestParts = {}): RawRequest {
  const url = parts.url ?? 'https://hooks.example.com/team-a/hook';
  const target = url.slice(url.indexOf('/', url.indexOf('//') + 2));
  const headers = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(parts.headers ?? {})) {
    headers.set(name.toLowerCase(), typeof value === 'string' ? [value] : value);
  }
  const query = new Map<string, string[]>();
  for (const [name, value] of new URL(url).searchParams) query.set(name, [...(query.get(name) ?? []), value]);
  return {
    method: parts.method ?? 'POST',
    target,
    publicUrl: url,
    headers,
    query,
    params: new Map(Object.entries(parts.params ?? {})),
    body: typeof parts.body === 'string' ? Buffer.from(parts.body) : (parts.body ?? new Uint8Array()),
  };
}

/** Secrets from texts. */
export function secretsOf(...texts: readonly (string | Uint8Array)[]): ReceiverSecrets {
  return { secrets: texts.map((text) => (typeof text === 'string' ? Buffer.from(text) : text)) };
}
