/**
 * The grammar of routes: `/` and segments that are literals, `:name`, or a final `*` for one or more segments. A literal is
 * compared in canonical form, so `caf%C3%A9` and `café` are the same; `%3A` and `%2A` write a literal colon or star.
 */
import { decodeSegment } from './canonical-path.ts';

export type PathSegment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string }
  /** Only at the end; its value is the rest of the path, under the name `*`. */
  | { readonly kind: 'rest' };

export interface RoutePattern {
  /** Canonical text: parses to the same segments. */
  readonly text: string;
  readonly segments: readonly PathSegment[];
  /** Names of its parameters, `*` for the rest. */
  readonly names: readonly string[];
}

export type ParsedPattern =
  | { readonly ok: true; readonly pattern: RoutePattern }
  | { readonly ok: false; readonly message: string; readonly hint?: string };

export const maxPatternLength = 1024;
export const maxPatternSegments = 32;

const parameterName = /^[A-Za-z_][A-Za-z0-9_]*$/;
const unclear = /[{}<>*?#\s]/;

/** Parses a mounted pattern; it begins with `/`. */
export function parseRoutePattern(text: string): ParsedPattern {
  if (text.length > maxPatternLength) return refuse(`is longer than ${maxPatternLength} characters`);
  if (!text.startsWith('/')) return refuse('does not begin with "/"');
  if (!text.isWellFormed()) return refuse('holds half of a surrogate pair');
  if (text === '/') return { ok: true, pattern: { text, segments: [], names: [] } };
  const parts = text.slice(1).split('/');
  if (parts.length > maxPatternSegments) return refuse(`has more than ${maxPatternSegments} segments`);
  const segments: PathSegment[] = [];
  const names: string[] = [];
  for (const [index, part] of parts.entries()) {
    const parsed = parseSegment(part, index === parts.length - 1);
    if (!parsed.ok) return parsed;
    const { segment } = parsed;
    segments.push(segment);
    if (segment.kind === 'literal') continue;
    const name = segment.kind === 'rest' ? '*' : segment.name;
    if (names.includes(name)) return refuse(`has the parameter ":${name}" twice`);
    names.push(name);
  }
  // Copies are as long as they are; arrays that were pushed to have room for sixteen more.
  const pattern = { text: formatSegments(segments), segments: segments.slice(), names: exactly(names) };
  return { ok: true, pattern };
}

const noNames: readonly string[] = [];

function exactly(names: readonly string[]): readonly string[] {
  return names.length === 0 ? noNames : names.slice();
}

type ParsedSegment =
  | { readonly ok: true; readonly segment: PathSegment }
  | { readonly ok: false; readonly message: string; readonly hint?: string };

function parseSegment(part: string, last: boolean): ParsedSegment {
  if (part === '*') {
    return last
      ? { ok: true, segment: { kind: 'rest' } }
      : refuse('has a "*" that is not its last segment', 'use ":name" for one segment');
  }
  if (part.startsWith(':')) {
    const name = part.slice(1);
    if (parameterName.test(name)) return { ok: true, segment: { kind: 'parameter', name } };
    return refuse(
      `has ":${name}", which is not the name of a parameter`,
      'a parameter is a whole segment: ":" and letters, digits or _; write a literal colon as %3A',
    );
  }
  if (unclear.test(part)) {
    const braces = /^[{<]([A-Za-z_][A-Za-z0-9_]*)[}>]$/.exec(part);
    if (braces) return refuse(`has "${part}", which is no parameter here`, `write ":${braces[1] ?? ''}"`);
    return refuse(
      `has "${part}", which is not a literal`,
      'a "*" stands alone at the end; other special characters are percent-encoded',
    );
  }
  const decoded = decodeSegment(part);
  return decoded.ok
    ? { ok: true, segment: { kind: 'literal', text: decoded.text } }
    : refuse(decoded.reason.replace('the path ', ''));
}

function refuse(
  message: string,
  hint?: string,
): { readonly ok: false; readonly message: string; readonly hint?: string } {
  return { ok: false, message: `the path ${message}`, ...(hint === undefined ? {} : { hint }) };
}

const special = /[%{}<>*?#\s]|^:/gu;

/** Canonical text of segments: only what would be read differently is percent-encoded. */
export function formatSegments(segments: readonly PathSegment[]): string {
  if (segments.length === 0) return '/';
  return segments.map((segment) => `/${formatSegment(segment)}`).join('');
}

/** One segment as it is written in a pattern. */
export function formatSegment(segment: PathSegment): string {
  if (segment.kind === 'rest') return '*';
  if (segment.kind === 'parameter') return `:${segment.name}`;
  return segment.text.replace(special, (character) => (character === '*' ? '%2A' : encodeURIComponent(character)));
}

const rank: Readonly<Record<PathSegment['kind'], number>> = { literal: 0, parameter: 1, rest: 2 };

/** Negative: the left pattern is tried first. Per segment literal, parameter, rest; then the longer one. */
export function comparePatterns(left: RoutePattern, right: RoutePattern): number {
  const length = Math.min(left.segments.length, right.segments.length);
  for (let index = 0; index < length; index += 1) {
    const difference = rank[left.segments[index]?.kind ?? 'rest'] - rank[right.segments[index]?.kind ?? 'rest'];
    if (difference !== 0) return difference;
  }
  return right.segments.length - left.segments.length;
}

/** Values of the parameters if a path in canonical form is matched; undefined: it is not. */
export function matchPattern(pattern: RoutePattern, path: readonly string[]): ReadonlyMap<string, string> | undefined {
  const values = new Map<string, string>();
  for (const [index, segment] of pattern.segments.entries()) {
    const part = path[index];
    if (part === undefined) return undefined;
    if (segment.kind === 'rest') {
      values.set('*', path.slice(index).join('/'));
      return values;
    }
    if (segment.kind === 'parameter') values.set(segment.name, part);
    else if (segment.text !== part) return undefined;
  }
  return path.length === pattern.segments.length ? values : undefined;
}
