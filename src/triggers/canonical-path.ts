/**
 * The one canonical form of paths: decoded once, segment by segment. What two readers could take for different paths
 * (encoded slashes, empty and dot segments, backslashes) is refused instead of repaired.
 */

/** Longest path of a request, in bytes as received. */
export const maxRequestPathLength = 4096;

export type CanonicalPath =
  | {
      readonly ok: true;
      /** `/` and the decoded segments joined by `/`: unambiguous, because no segment holds a slash. */
      readonly path: string;
      readonly segments: readonly string[];
      /** What stands behind the question mark, as received; undefined: there is none. */
      readonly query: string | undefined;
    }
  | { readonly ok: false; readonly reason: string };

export type DecodedSegment =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: string };

/** Brings the target of a request (`/a/b%20c?x=1`, origin form of RFC 9112 §3.2.1) into canonical form. */
export function canonicalPath(target: string): CanonicalPath {
  const question = target.indexOf('?');
  const raw = question === -1 ? target : target.slice(0, question);
  const query = question === -1 ? undefined : target.slice(question + 1);
  if (raw.charCodeAt(0) !== 47) return { ok: false, reason: 'the request target is not a path' };
  if (raw.length > maxRequestPathLength) {
    return { ok: false, reason: `the path is longer than ${maxRequestPathLength} bytes` };
  }
  const plain = splitPlain(raw);
  if (plain) return { ok: true, path: raw, segments: plain, query };
  const segments: string[] = [];
  for (const part of raw.slice(1).split('/')) {
    if (nonAscii.test(part)) return { ok: false, reason: 'the path holds characters that are not percent-encoded' };
    const decoded = decodeSegment(part);
    if (!decoded.ok) return decoded;
    segments.push(decoded.text);
  }
  return { ok: true, path: `/${segments.join('/')}`, segments, query };
}

/** Segments of a path that is canonical as received, which nearly all are; undefined: it has to be looked at closely. */
function splitPlain(raw: string): string[] | undefined {
  const segments: string[] = [];
  if (raw.length === 1) return segments;
  let start = 1;
  for (let index = 1; index <= raw.length; index += 1) {
    const code = index === raw.length ? 47 : raw.charCodeAt(index);
    if (code === 47) {
      // A segment that begins with a dot may be a dot segment.
      if (index === start || raw.charCodeAt(start) === 46) return undefined;
      segments.push(raw.slice(start, index));
      start = index + 1;
    } else if (code <= 0x20 || code >= 0x7f || code === 0x25 || code === 0x5c || code === 0x23) return undefined;
  }
  return segments;
}

const nonAscii = /[^\x21-\x7e]/;
const separator = /[/\\]/;
const control = /[\x00-\x1f\x7f]/;

/** Decodes one segment of a path once and refuses what has no single meaning. */
export function decodeSegment(raw: string): DecodedSegment {
  let text = raw;
  if (raw.includes('%')) {
    try {
      text = decodeURIComponent(raw);
    } catch {
      return { ok: false, reason: 'the path holds a broken percent-encoding, or one that is not UTF-8' };
    }
  }
  if (text === '') return { ok: false, reason: 'the path has an empty segment (a double or trailing slash)' };
  if (text === '.' || text === '..') return { ok: false, reason: `the path has a segment "${text}"` };
  if (separator.test(text)) return { ok: false, reason: 'the path holds an encoded slash or a backslash' };
  if (control.test(text)) return { ok: false, reason: 'the path holds a control character' };
  if (raw.includes('#')) return { ok: false, reason: 'the path holds a "#"' };
  return { ok: true, text };
}
