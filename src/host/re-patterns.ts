/** Compiled regular expressions of RE2's syntax: size caps, a cache, and searching in UTF-8 bytes. */
import { RE2JS } from 're2js';

/** A pattern that cannot be used; the message says why. */
export class PatternProblem extends Error {}

export interface Pattern {
  /** Groups without the whole match. */
  readonly groups: number;
  /** Name → number of the group. */
  readonly names: readonly (readonly [string, number])[];
  /** What searching one byte may cost at most, in steps. */
  readonly weight: number;
  readonly expression: RE2JS;
}

/** Positions of a match: start and end of the whole and of each group, -1 where a group did not take part. */
export type Positions = readonly number[];

export const patternCap = 512;
const programCap = 1_000;
const groupCap = 32;
/** Building the tables of a Unicode class is what makes compiling slow. */
const classCap = 20;
/** Steps of one search at most: 400,000 of about 40 ns each. */
const searchCap = 400_000;
const cachedInstructions = 50_000;

/** Compiles patterns and keeps the most recently used ones. */
export class PatternCache {
  readonly #patterns = new Map<string, Pattern>();
  #instructions = 0;

  get(source: string, flags: string): Pattern {
    const key = `${flags}/${source}`;
    const known = this.#patterns.get(key);
    if (known !== undefined) {
      this.#patterns.delete(key);
      this.#patterns.set(key, known);
      return known;
    }
    const pattern = compilePattern(source, flags);
    this.#patterns.set(key, pattern);
    this.#instructions += pattern.expression.programSize();
    for (const [oldest, other] of this.#patterns) {
      if (this.#instructions <= cachedInstructions) break;
      this.#patterns.delete(oldest);
      this.#instructions -= other.expression.programSize();
    }
    return pattern;
  }
}

function compilePattern(source: string, flags: string): Pattern {
  if (Buffer.byteLength(source) > patternCap) throw new PatternProblem(`longer than ${patternCap} bytes`);
  if ((source.match(/\\[pP]|\[:\^?[a-z]/g) ?? []).length > classCap) {
    throw new PatternProblem(`more than ${classCap} character classes by name`);
  }
  let expression: RE2JS;
  try {
    expression = RE2JS.compile(source, readFlags(flags));
  } catch (error) {
    if (error instanceof PatternProblem) throw error;
    throw new PatternProblem(error instanceof Error ? error.message : 'not a regular expression');
  }
  const size = expression.programSize();
  const groups = expression.groupCount();
  if (size > programCap) throw new PatternProblem(`too large: ${size} steps, at most ${programCap}`);
  if (groups > groupCap) throw new PatternProblem(`more than ${groupCap} groups`);
  return {
    groups,
    names: Object.entries(expression.namedGroups()),
    weight: size * (1 + groups / 8),
    expression,
  };
}

function readFlags(flags: string): number {
  let value = 0;
  for (const letter of flags) {
    if (letter === 'i') value |= RE2JS.CASE_INSENSITIVE;
    else if (letter === 'm') value |= RE2JS.MULTILINE;
    else if (letter === 's') value |= RE2JS.DOTALL;
    // OpenResty's: compile, cache, UTF-8. All three are always so.
    else if (letter !== 'j' && letter !== 'o' && letter !== 'u')
      throw new PatternProblem(`unknown flag "${letter}"; known are i, m, s`);
  }
  return value;
}

/** Bytes that one search with this pattern may look at. */
export function longestText(pattern: Pattern): number {
  return Math.floor(searchCap / pattern.weight);
}

/** The first match at or after a byte; undefined: none. */
export function search(pattern: Pattern, text: Uint8Array, from: number): Positions | undefined {
  if (from > text.length) return undefined;
  const matcher = pattern.expression.matcher(text);
  if (!matcher.find(from)) return undefined;
  const positions: number[] = [];
  for (let group = 0; group <= pattern.groups; group += 1) positions.push(matcher.start(group), matcher.end(group));
  return positions;
}

/** Bytes of the character at a place, so that an empty match can step over it. */
export function characterWidth(text: Uint8Array, at: number): number {
  const byte = text[at] ?? 0;
  const width = byte < 0xc2 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf5 ? 4 : 1;
  for (let next = 1; next < width; next += 1) if (((text[at + next] ?? 0) & 0xc0) !== 0x80) return 1;
  return width;
}
