/** What a document may not be made of: too deep, too many aliases, keys that are no text; and its unquoted scalars. */
import { isAlias, isCollection, isMap, isScalar, type ParsedNode } from 'yaml';
import type { Diagnostic } from './diagnostic.ts';
import { findAmbiguity, mergeKeyAmbiguity } from './yaml-ambiguity.ts';

export const maxDepth = 100;
export const maxAliases = 100;

/** Makes a diagnostic of an offset in the document. */
export type Mistake = (offset: number, message: string, hint?: string) => Diagnostic;

/** An unquoted scalar without a tag. */
interface PlainScalar {
  readonly source: string;
  readonly offset: number;
  readonly isKey: boolean;
}

interface Structure {
  readonly plain: readonly PlainScalar[];
}

/** Finds depth, aliases and keys that plain JSON cannot hold or that stand twice, and gathers the scalars whose version matters. */
export function readStructure(root: ParsedNode, mistake: Mistake): Structure | Diagnostic {
  const plain: PlainScalar[] = [];
  const anchors: (string | undefined)[] = [];
  let aliases = 0;
  /** By hand: the library's visitor costs a tenth of the whole parse. */
  const read = (node: ParsedNode | null | undefined, isKey: boolean): Diagnostic | undefined => {
    if (node === null || node === undefined) return undefined;
    const [offset] = node.range;
    if (isScalar(node)) {
      if (node.type === 'PLAIN' && node.tag === undefined) plain.push({ source: node.source, offset, isKey });
      return undefined;
    }
    if (isAlias(node)) {
      if (anchors.includes(node.source)) {
        return mistake(offset, 'an alias inside its own anchor', 'write the value out');
      }
      aliases += 1;
      return aliases > maxAliases
        ? mistake(offset, `more than ${maxAliases} aliases in one document`, 'write the values out')
        : undefined;
    }
    if (!isCollection(node)) return undefined;
    if (anchors.length >= maxDepth) return mistake(offset, `nested deeper than ${maxDepth} levels`);
    anchors.push(node.anchor);
    let found: Diagnostic | undefined;
    if (isMap(node)) {
      const keys = new Set<string>();
      for (const { key, value } of node.items as readonly { key: ParsedNode | null; value: ParsedNode | null }[]) {
        found ??= keyMistake(key, keys, mistake) ?? read(key, true) ?? read(value, false);
        if (found !== undefined) return found;
      }
    } else {
      for (const item of node.items as readonly (ParsedNode | null)[]) {
        found = read(item, false);
        if (found !== undefined) return found;
      }
    }
    anchors.pop();
    return undefined;
  };
  return read(root, false) ?? { plain };
}

/** `before`: the keys of the map that were read; this one is among them then. */
function keyMistake(key: ParsedNode | null, before: Set<string>, mistake: Mistake): Diagnostic | undefined {
  // `on:` and the like are text here; the check of versions says more about them.
  if (!isScalar(key) || !['string', 'number', 'boolean'].includes(typeof key.value))
    return mistake(key?.range[0] ?? 0, 'a key must be text');
  const { size } = before;
  if (before.add(String(key.value)).size > size) return undefined;
  return mistake(key.range[0], 'this key stands twice in the same map', 'remove one of them');
}

export function versionMistake({ source, offset, isKey }: PlainScalar, mistake: Mistake): readonly Diagnostic[] {
  const ambiguity = isKey && source === '<<' ? mergeKeyAmbiguity : findAmbiguity(source);
  return ambiguity === undefined ? [] : [mistake(offset, ambiguity.message, ambiguity.hint)];
}
