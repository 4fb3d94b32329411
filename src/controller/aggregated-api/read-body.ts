/** The JSON object that a request brought, without what only says which kind of object it is. */
import { isObject } from '../../function/is-object.ts';
import { isRefusal, refusal, type Refusal } from './api-status.ts';
import type { Asking, Fields } from './handler.ts';

export function readBody({ body }: Pick<Asking, 'body'>): Fields | Refusal {
  if (body.length === 0) return {};
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (isObject(value)) {
      const { apiVersion: _version, kind: _kind, metadata: _metadata, ...fields } = value;
      // Nobody writes the answer to his own request.
      return isRefusal(fields) ? refusal(400, 'the body is a Status: send what is asked for') : fields;
    }
  } catch {
    // Said below.
  }
  return refusal(400, 'the body must be an object as JSON');
}

/** A text: which field is not known. */
export function unknownField(body: Fields, known: readonly string[]): string | undefined {
  const unknown = Object.keys(body).find((field) => !known.includes(field));
  return unknown === undefined ? undefined : `unknown field "${unknown}"; known are ${known.join(', ')}`;
}
