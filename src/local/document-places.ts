/** Finds where a field of a YAML document stands, and where a line of the code inside a block scalar stands. */
import { isAlias, isMap, isScalar, isSeq, type ParsedNode, type Scalar } from 'yaml';

export interface LinePlace {
  readonly line: number;
  readonly column: number;
}

/** How lines of a text inside a scalar map to lines of the file: file line = `lineOffset` + text line. */
export interface TextOrigin {
  readonly lineOffset: number;
  readonly columnOffset: number;
}

export type FieldPath = readonly (string | number)[];

export interface DocumentPlaces {
  /** Of a member's key or a list's item; of the nearest ancestor that exists where it does not. */
  placeOf(path: FieldPath): LinePlace;
  /** Undefined: the scalar is written so that its lines are not lines of the file (folded, escaped). */
  textOrigin(path: FieldPath): TextOrigin | undefined;
}

/** Places of one parsed document; `placeAt` turns an offset into line and column of the file. */
export function documentPlaces(
  root: ParsedNode,
  placeAt: (offset: number) => LinePlace,
  source: string,
): DocumentPlaces {
  const offsetOf = (node: ParsedNode): number => node.range[0];
  return {
    placeOf: (path) => {
      const { node, key } = walk(root, path);
      return placeAt(offsetOf(key ?? node));
    },
    textOrigin: (path) => {
      const { node, complete } = walk(root, path);
      if (!complete || !isScalar(node)) return undefined;
      return originOf(node, placeAt, source);
    },
  };
}

interface Found {
  readonly node: ParsedNode;
  /** The key node when the last step was into a map. */
  readonly key?: ParsedNode;
  /** False: a step was missing and `node` is the last that exists. */
  readonly complete: boolean;
}

function walk(root: ParsedNode, path: FieldPath): Found {
  let node = root;
  let key: ParsedNode | undefined;
  for (const step of path) {
    const next = enter(node, step);
    if (!next) return { node: key ?? node, complete: false };
    ({ node, key } = next);
  }
  return key ? { node, key, complete: true } : { node, complete: true };
}

function enter(node: ParsedNode, step: string | number): { node: ParsedNode; key: ParsedNode | undefined } | undefined {
  // What stands behind an alias has its place at the anchor, which helps nobody: stop at the alias.
  if (isAlias(node)) return undefined;
  if (isSeq(node)) {
    const item = node.items[Number(step)];
    return item ? { node: item, key: undefined } : undefined;
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
  if (!pair) return undefined;
  const key = pair.key;
  return { node: pair.value ?? key, key };
}

function originOf(node: Scalar.Parsed, placeAt: (offset: number) => LinePlace, source: string): TextOrigin | undefined {
  const [begin, end] = node.range;
  const place = placeAt(begin);
  const raw = source.slice(begin, end);
  if (node.type === 'BLOCK_LITERAL') {
    const lines = raw.split('\n').slice(1);
    const explicit = /^\|[-+]?([1-9])/.exec(raw);
    const first = lines.find((line) => line.trim() !== '');
    const indent = first === undefined ? 0 : first.length - first.trimStart().length;
    if (explicit) {
      // The indicator counts from the parent's indentation, which the first line of text need not show.
      const text =
        String(node.value)
          .split('\n')
          .find((line) => line.trim() !== '') ?? '';
      return { lineOffset: place.line, columnOffset: indent - (text.length - text.trimStart().length) };
    }
    return { lineOffset: place.line, columnOffset: indent };
  }
  if (raw.includes('\n')) return undefined;
  if (node.type === 'PLAIN') return { lineOffset: place.line - 1, columnOffset: place.column - 1 };
  const escaped = node.type === 'QUOTE_DOUBLE' ? raw.includes('\\') : raw.slice(1, -1).includes("''");
  return escaped ? undefined : { lineOffset: place.line - 1, columnOffset: place.column };
}
