/** Writes `spec.suspend` of one resource into the text of its file; everything else stays as it was, byte by byte. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { isMap, isScalar, parseAllDocuments, type Document, type Pair, type ParsedNode, type YAMLMap } from 'yaml';

export interface EditedResource {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Path of the resource in its document: not empty inside a List. */
  readonly prefix: readonly (string | number)[];
}

export type EditResult =
  | { readonly ok: true; readonly text: string; readonly changed: boolean }
  | { readonly ok: false; readonly message: string };

type ParsedMap = YAMLMap<ParsedNode, ParsedNode | null>;
type ParsedPair = Pair<ParsedNode, ParsedNode | null>;

/** Changes nothing where the value is there already; refuses what it could not change without touching more. */
export function editSuspend(text: string, resource: EditedResource, suspend: boolean): EditResult {
  const byHand = (why: string): EditResult => ({
    ok: false,
    message: `${why}: write \`suspend: ${suspend}\` below \`spec:\` yourself`,
  });
  const documents = documentsOf(text);
  const index = documents.findIndex((document) => isResource(document, resource));
  const document = documents[index];
  if (document === undefined) return { ok: false, message: `${resource.kind} ${resource.name} is not in it any more` };
  const spec: unknown = document.getIn([...resource.prefix, 'spec'], true);
  if (!isMap(spec)) return byHand('spec is no map of its own');
  const map = spec as ParsedMap;
  if (map.anchor !== undefined) return byHand('spec is shared by an anchor');
  const pair = map.items.find(({ key }) => isScalar(key) && key.value === 'suspend');
  const same = pair === undefined ? !suspend : isScalar(pair.value) && pair.value.value === suspend;
  if (same) return { ok: true, text, changed: false };
  const next = pair === undefined ? insert(text, map, suspend) : replace(text, pair, suspend);
  if (next === undefined) return byHand('spec is written in a form that is not edited');
  // What was meant, and nothing else: however the file is written.
  const wanted = documents.map((each) => each.toJS({ maxAliasCount: 100 }) as unknown);
  const after = documentsOf(next);
  const edited = after[index];
  const others =
    after.length === documents.length &&
    after.every((each, at) => at === index || isDeepStrictEqual(each.toJS({ maxAliasCount: 100 }), wanted[at]));
  document.setIn([...resource.prefix, 'spec', 'suspend'], suspend);
  const whole = isDeepStrictEqual(edited?.toJS({ maxAliasCount: 100 }), document.toJS({ maxAliasCount: 100 }));
  return others && whole ? { ok: true, text: next, changed: true } : byHand('the file is written in an unusual form');
}

function documentsOf(text: string): readonly Document.Parsed[] {
  const parsed = parseAllDocuments(text, { version: '1.2', prettyErrors: false });
  return Array.isArray(parsed) ? parsed : [];
}

function isResource(document: Document.Parsed, { kind, namespace, name, prefix }: EditedResource): boolean {
  const field = (...path: readonly string[]): unknown => document.getIn([...prefix, ...path]);
  if (document.errors.length > 0) return false;
  return (
    field('kind') === kind &&
    field('metadata', 'name') === name &&
    (field('metadata', 'namespace') ?? 'default') === namespace
  );
}

function replace(text: string, { value }: ParsedPair, suspend: boolean): string | undefined {
  if (!isScalar(value) || value.anchor !== undefined) return undefined;
  const [begin, end] = value.range;
  return `${text.slice(0, begin)}${begin === end ? ' ' : ''}${suspend}${text.slice(end)}`;
}

/** Before the first field, and before the comments above it: they are its own. */
function insert(text: string, map: ParsedMap, suspend: boolean): string | undefined {
  const [first] = map.items;
  const begin = first?.key.range[0];
  const written = `suspend: ${suspend}`;
  if (map.flow === true) {
    const open = (map.range?.[0] ?? 0) + 1;
    const rest = text.slice(open);
    return `${text.slice(0, open)} ${written}${first === undefined ? ' ' : ','}${/^\s/.test(rest) ? '' : ' '}${rest}`;
  }
  if (begin === undefined) return undefined;
  const lineBegin = text.lastIndexOf('\n', begin - 1) + 1;
  const indent = text.slice(lineBegin, begin);
  // `- spec: { … }` and `? key` put something before the first field on its line.
  if (!/^ +$/.test(indent)) return undefined;
  const at = commentsAbove(text, lineBegin);
  return `${text.slice(0, at)}${indent}${written}${text.includes('\r\n') ? '\r\n' : '\n'}${text.slice(at)}`;
}

/** Where the lines of comments and the empty ones right above a line begin. */
function commentsAbove(text: string, lineBegin: number): number {
  let at = lineBegin;
  while (at > 0) {
    const above = text.lastIndexOf('\n', at - 2) + 1;
    if (!/^[ \t]*(?:#[^\n]*)?\r?\n$/.test(text.slice(above, at))) return at;
    at = above;
  }
  return at;
}
