/**
 * Changes one value in the text of a resource and nothing else: comments, order, quotes and blanks of the rest stay as they
 * were written. Each change is read again; one that would say something else is made by rewriting the document.
 */
import {
  Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseAllDocuments,
  type Node,
  type Pair,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { findFunction } from './find-function.ts';
import { columnOf, dashOf, endOf, isEmpty, lineEnd, lineStart, startOf } from './yaml-places.ts';
import { inFlow, inLine, itemAt, pairAt, type YamlKey } from './yaml-text.ts';

export type YamlPath = readonly YamlKey[];

/** A part of the text and what comes in its place. */
interface Splice {
  readonly from: number;
  readonly to: number;
  readonly insert: string;
}

/** Which resource of the text. */
export interface ResourceName {
  readonly namespace: string;
  readonly name: string;
}

/**
 * The text with `value` at `path`, counted from the resource; undefined removes what stands there. Maps on the way are
 * made; an item one after the last of a list is added. A text that is no YAML is answered as it is.
 */
export function changeYaml(text: string, resource: ResourceName, path: YamlPath, value: unknown): string {
  const found = findFunction(text, resource);
  if (found === undefined) return text;
  const before = found.document.toJS() as unknown;
  const wanted = withValue(before, path, value);
  if (same(before, wanted)) return text;
  const splice = planSplice(text, found.document.contents, path, value);
  if (splice !== undefined) {
    const changed = text.slice(0, splice.from) + splice.insert + text.slice(splice.to);
    if (saysThat(changed, found.index, wanted, text)) return changed;
  }
  return rewritten(text, found.index, path, value, wanted);
}

/** Whether the text holds what it held, and the wanted value as its document number `index`. */
function saysThat(changed: string, index: number, wanted: unknown, before: string): boolean {
  const now = parseAllDocuments(changed);
  const then = parseAllDocuments(before);
  return (
    now.length === then.length &&
    now.every((document, at) => {
      if (document.errors.length > 0) return false;
      return same(document.toJS(), at === index ? wanted : then[at]?.toJS());
    })
  );
}

/** The whole document written anew: comments stay, blanks and quotes may not. */
function rewritten(text: string, index: number, path: YamlPath, value: unknown, wanted: unknown): string {
  const documents = parseAllDocuments(text);
  const document = documents[index];
  if (!(document instanceof Document)) return text;
  try {
    if (value === undefined) document.deleteIn(path);
    else document.setIn(path, document.createNode(value));
  } catch {
    // Something on the way cannot hold it: what is wanted is put in its place below.
  }
  if (!same(document.toJS(), wanted)) {
    const { commentBefore } = document.contents ?? {};
    document.contents = document.createNode(wanted) as typeof document.contents;
    if (document.contents && commentBefore !== undefined) document.contents.commentBefore = commentBefore;
  }
  return documents
    .map((each) => each.toString({ lineWidth: 0 }))
    .map((each, at) => (at === 0 || each.startsWith('---') ? each : `---\n${each}`))
    .join('');
}

function planSplice(text: string, root: Node | null, path: YamlPath, value: unknown): Splice | undefined {
  let node: unknown = root;
  let holder: { readonly pair: Pair; readonly flow: boolean } | undefined;
  for (const [depth, key] of path.entries()) {
    const last = depth === path.length - 1;
    if (isMap(node)) {
      const pair = pairOf(node, key);
      const flow = node.flow === true;
      if (pair === undefined) {
        return value === undefined ? undefined : addPair(text, node, String(key), nested(path.slice(depth + 1), value));
      }
      if (last)
        return value === undefined ? removePair(text, node, pair, holder?.pair) : replaceIn(text, pair, value, flow);
      holder = { pair, flow };
      node = pair.value;
      if (!isMap(node) && !isSeq(node)) return replaceIn(text, pair, nested(path.slice(depth + 1), value), flow);
      continue;
    }
    if (isSeq(node) && typeof key !== 'number') {
      return holder && replaceIn(text, holder.pair, nested(path.slice(depth), value), holder.flow);
    }
    if (isSeq(node)) {
      const item = node.items[Number(key)];
      if (item === undefined) return addItem(text, node, nested(path.slice(depth + 1), value));
      if (last)
        return value === undefined ? removeItem(text, node, Number(key), holder?.pair) : replaceItem(node, item, value);
      node = item;
      continue;
    }
    return undefined;
  }
  return undefined;
}

/** What a missing way to a value is made of. */
function nested(path: YamlPath, value: unknown): unknown {
  return path.reduceRight((inner: unknown, key) => (typeof key === 'number' ? [inner] : { [key]: inner }), value);
}

function pairOf(map: YAMLMap, key: YamlKey): Pair | undefined {
  return map.items.find((pair) => isScalar(pair.key) && pair.key.value === key);
}

/** Nothing, or the null that stands for nothing. */
function addPair(text: string, map: YAMLMap, key: string, value: unknown): Splice | undefined {
  const last = map.items.at(-1);
  if (map.flow === true || last === undefined) return addInFlow(map, `${inFlow(key)}: ${inFlow(value)}`);
  const first = startOf(map.items[0]?.key);
  if (first === undefined) return undefined;
  const column = columnOf(text, first);
  return addLine(text, endOf(last), column, pairAt(column, key, value));
}

function addItem(text: string, list: YAMLSeq, value: unknown): Splice | undefined {
  const last = list.items.at(-1);
  if (list.flow === true || last === undefined) return addInFlow(list, inFlow(value));
  const dash = dashOf(text, list.items[0]);
  if (dash === undefined) return undefined;
  const column = columnOf(text, dash);
  return addLine(text, endOf(last), column, `- ${itemAt(column + 2, value)}`);
}

/** Before the bracket that closes. */
function addInFlow(collection: YAMLMap | YAMLSeq, written: string): Splice | undefined {
  const { range } = collection;
  if (!range) return undefined;
  const last = collection.items.at(-1);
  const blank = isMap(collection) ? ' ' : '';
  if (last === undefined) return { from: range[0] + 1, to: range[1] - 1, insert: `${blank}${written}${blank}` };
  const end = endOf(last);
  return end === undefined ? undefined : { from: end, to: end, insert: `, ${written}` };
}

/** A line of its own after the one that ends there. */
function addLine(text: string, end: number | undefined, column: number, written: string): Splice | undefined {
  if (end === undefined) return undefined;
  const at = lineEnd(text, end);
  const closed = at === 0 || text[at - 1] === '\n';
  return { from: at, to: at, insert: `${closed ? '' : '\n'}${' '.repeat(column)}${written}\n` };
}

function replaceIn(text: string, pair: Pair, value: unknown, flow: boolean): Splice | undefined {
  const old = pair.value;
  const key = pair.key;
  const start = startOf(key);
  if (!isScalar(key) || !key.range || start === undefined) return undefined;
  if (flow || (isNode(old) && (isMap(old) || isSeq(old)) && old.flow === true)) {
    if (!isNode(old) || !old.range) return undefined;
    return { from: old.range[0], to: old.range[1], insert: inFlow(value) };
  }
  if (isScalar(old) && old.range && !isEmpty(old) && !isBlock(old.type)) {
    const line = inLine(value, typeof old.value === 'string' ? old.type : undefined);
    if (line !== undefined) return { from: old.range[0], to: old.range[1], insert: line };
  }
  const end = isEmpty(old) ? text.indexOf(':', key.range[1]) + 1 : endOf(pair);
  if (end === undefined) return undefined;
  const written = pairAt(columnOf(text, start), String(key.value), value);
  return { from: start, to: end, insert: text[end - 1] === '\n' ? `${written}\n` : written };
}

function replaceItem(list: YAMLSeq, item: unknown, value: unknown): Splice | undefined {
  if (!isNode(item) || !item.range) return undefined;
  const [from] = item.range;
  if (list.flow === true) return { from, to: item.range[1], insert: inFlow(value) };
  if (!isScalar(item) || isBlock(item.type)) return undefined;
  const line = inLine(value, typeof item.value === 'string' ? item.type : undefined);
  return line === undefined ? undefined : { from, to: item.range[1], insert: line };
}

function removePair(text: string, map: YAMLMap, pair: Pair, holder: Pair | undefined): Splice | undefined {
  const index = map.items.indexOf(pair);
  const start = startOf(pair.key);
  const end = endOf(pair);
  if (start === undefined || end === undefined) return undefined;
  if (map.flow === true) return removeInFlow(map, index, start, end);
  const next = startOf(map.items[index + 1]?.key);
  if (map.items.length === 1) return holder === undefined ? undefined : replaceIn(text, holder, {}, false);
  const line = lineStart(text, start);
  // The first of a map that begins behind a dash: the next one comes in its place.
  if (text.slice(line, start).trim() !== '')
    return next === undefined ? undefined : { from: start, to: next, insert: '' };
  return { from: line, to: lineEnd(text, end), insert: '' };
}

function removeItem(text: string, list: YAMLSeq, index: number, holder: Pair | undefined): Splice | undefined {
  const item = list.items[index];
  const start = startOf(item);
  const end = endOf(item);
  if (start === undefined || end === undefined) return undefined;
  if (list.flow === true) return removeInFlow(list, index, start, end);
  const dash = dashOf(text, item);
  if (dash === undefined) return undefined;
  if (list.items.length === 1) return holder === undefined ? undefined : replaceIn(text, holder, [], false);
  return { from: lineStart(text, dash), to: lineEnd(text, end), insert: '' };
}

/** With the comma before it, or behind it. */
function removeInFlow(collection: YAMLMap | YAMLSeq, index: number, start: number, end: number): Splice | undefined {
  const before = collection.items[index - 1];
  const after = collection.items[index + 1];
  if (before !== undefined) {
    const from = endOf(before);
    return from === undefined ? undefined : { from, to: end, insert: '' };
  }
  const to = after === undefined ? end : startOf(isNode(after) ? after : (after as Pair).key);
  return to === undefined ? undefined : { from: start, to, insert: '' };
}

const isBlock = (type: string | undefined): boolean => type === 'BLOCK_LITERAL' || type === 'BLOCK_FOLDED';

function withValue(root: unknown, path: YamlPath, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (Array.isArray(root)) {
    if (typeof key !== 'number') return value === undefined ? root : nested(path, value);
    const items: unknown[] = [...(root as readonly unknown[])];
    const index = Math.min(key, items.length);
    const next = withValue(items[index], rest, value);
    if (next === undefined) items.splice(index, 1);
    else items[index] = next;
    return items;
  }
  if (typeof root !== 'object' || root === null) return value === undefined ? root : nested(path, value);
  const members = { ...(root as Record<string, unknown>) };
  const next = withValue(members[key], rest, value);
  if (next === undefined) delete members[key];
  else members[key] = next;
  return members;
}

/** Equal as values: what YAML says, whatever order members stand in. */
function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(members.map(([key, each]) => [key, sorted(each)]));
}
