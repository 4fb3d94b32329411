/** Where the parts of a YAML text begin and end. */
import { isMap, isNode, isScalar, isSeq, type Pair } from 'yaml';

export function isEmpty(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null);
}

/** Where it begins, an anchor or a tag before it left out: such a change is written anew. */
export function startOf(node: unknown): number | undefined {
  return isNode(node) && node.range ? node.range[0] : undefined;
}

/** Where what it says ends: before the comment and the blank lines behind it. */
export function endOf(part: unknown): number | undefined {
  if (isNode(part)) {
    if ((isMap(part) || isSeq(part)) && part.flow !== true && part.items.length > 0) return endOf(part.items.at(-1));
    return part.range ? part.range[1] : undefined;
  }
  const { key, value } = (part ?? {}) as Partial<Pair>;
  if (!isEmpty(value)) return endOf(value);
  // `key:` alone: the colon belongs to it.
  const end = isNode(value) && value.range ? value.range[1] : endOf(key);
  return end;
}

export function dashOf(text: string, item: unknown): number | undefined {
  const start = startOf(item);
  if (start === undefined) return undefined;
  const dash = text.lastIndexOf('-', start - 1);
  return dash !== -1 && text.slice(dash + 1, start).trim() === '' ? dash : undefined;
}

export const lineStart = (text: string, at: number): number => text.lastIndexOf('\n', at - 1) + 1;
export const columnOf = (text: string, at: number): number => at - lineStart(text, at);

/** Behind the end of the line that `at` is in; a block text ends behind its last line already. */
export function lineEnd(text: string, at: number): number {
  if (text[at - 1] === '\n') return at;
  const found = text.indexOf('\n', at);
  return found === -1 ? text.length : found + 1;
}
