/** Reads a header that may be there once: a second copy is an attack or a broken proxy, never a choice of ours. */
import type { RawRequest } from './types.ts';

export type SingleValue =
  | { readonly kind: 'one'; readonly value: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'many' };

const none: SingleValue = { kind: 'none' };
const many: SingleValue = { kind: 'many' };

/** The one value of a list, or why there is not one. */
export function single(values: readonly string[] | undefined): SingleValue {
  if (values === undefined || values.length === 0) return none;
  const [value] = values;
  return values.length > 1 || value === undefined ? many : { kind: 'one', value };
}

/** The one value of a header (lower-case name). */
export function singleHeader(request: RawRequest, name: string): SingleValue {
  return single(request.headers.get(name));
}

/** The first value of a header, for facts that prove nothing. */
export function firstHeader(request: RawRequest, name: string): string | undefined {
  return request.headers.get(name)?.[0];
}

/** The media type of the body without parameters, lower case; empty when there is none. */
export function mediaType(request: RawRequest): string {
  const value = firstHeader(request, 'content-type') ?? '';
  const end = value.indexOf(';');
  return (end === -1 ? value : value.slice(0, end)).trim().toLowerCase();
}
