/** Reads a file of several YAML documents; a broken document does not stop the others. */
import {
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  parseAllDocuments,
  visit,
  type Document,
  type ParsedNode,
} from 'yaml';
import type { Diagnostic } from './diagnostic.ts';
import { documentPlaces, type DocumentPlaces, type LinePlace } from './document-places.ts';
import { findAmbiguity, mergeKeyAmbiguity } from './yaml-ambiguity.ts';

/** One document that parsed: its plain value and where each part of it stands. */
export interface YamlDocument {
  readonly value: unknown;
  readonly places: DocumentPlaces;
  /** Refuses what YAML 1.1 and 1.2 read differently; asked only for documents that are ours. */
  checkVersions(): readonly Diagnostic[];
}

export interface YamlFile {
  readonly documents: readonly YamlDocument[];
  /** Why a document could not be read; not empty: the file may hold more than `documents`. */
  readonly mistakes: readonly Diagnostic[];
}

/** Files over this size are refused unread: a function is at most 1 MiB with its modules. */
export const maxFileBytes = 8 * 1024 * 1024;
const maxDepth = 100;
const maxAliases = 100;

/** Parses the text of a file as YAML 1.2. */
export function parseYaml(file: string, text: string): YamlFile {
  const mistakes: Diagnostic[] = [];
  const documents: YamlDocument[] = [];
  for (const part of splitDocuments(text)) {
    const result = parsePart(file, part.text, part.firstLine);
    if (result === undefined) continue;
    if ('mistakes' in result) mistakes.push(...result.mistakes);
    else documents.push(result);
  }
  return { documents, mistakes };
}

/** A directive after nothing but comments: it stands in a part of its own, before the `---` that ends it. */
const directivePattern = /^((?:[ \t]*(?:#[^\n]*)?\n)*)(%[^\r\n]*[^\s])/;

/**
 * A line that begins with `---` separates documents in every context of YAML (1.2.2 §9.1.2 forbids it inside scalars), so
 * an unclosed quote in one document cannot swallow the next.
 */
function splitDocuments(text: string): readonly { readonly text: string; readonly firstLine: number }[] {
  const parts: { text: string; firstLine: number }[] = [];
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text;
  let begin = 0;
  let line = 1;
  let firstLine = 1;
  for (let at = 0; at < source.length;) {
    const end = source.indexOf('\n', at);
    const next = end === -1 ? source.length : end + 1;
    if (at > begin && /^---(?:[ \t\r\n]|$)/.test(source.slice(at, at + 4))) {
      parts.push({ text: source.slice(begin, at), firstLine });
      begin = at;
      firstLine = line;
    }
    at = next;
    line += 1;
  }
  parts.push({ text: source.slice(begin), firstLine });
  return parts;
}

function parsePart(
  file: string,
  text: string,
  firstLine: number,
): YamlDocument | { readonly mistakes: readonly Diagnostic[] } | undefined {
  const placeAt = placesIn(text, firstLine);
  const mistake = (offset: number, message: string, hint?: string): Diagnostic => ({
    severity: 'error',
    file,
    ...placeAt(offset),
    message,
    ...(hint === undefined ? {} : { hint }),
  });
  const unusual = /[\u0085\u2028\u2029]/.exec(text);
  const directive = directivePattern.exec(text);
  if (directive) {
    if (/^%YAML[ \t]+1\.2$/.test(directive[2] ?? '')) return undefined;
    return {
      mistakes: [
        mistake(directive[1]?.length ?? 0, 'YAML directives are not read', 'remove the line: YAML 1.2 is read'),
      ],
    };
  }
  let parsed: Document.Parsed | undefined;
  try {
    const result = parseAllDocuments(text, { version: '1.2', prettyErrors: false });
    if (!Array.isArray(result) || result.length === 0) return undefined;
    const second = result.length > 1 ? result[1] : undefined;
    parsed = result[0];
    if (second !== undefined) {
      const offset = second.range[0];
      return {
        mistakes: [mistake(offset, 'a second document without `---` before it', 'put a line `---` between them')],
      };
    }
  } catch (error) {
    if (error instanceof RangeError) return { mistakes: [mistake(0, `nested deeper than ${maxDepth} levels`)] };
    throw error;
  }
  if (parsed === undefined || parsed.contents === null) return undefined;
  if (unusual) {
    return {
      mistakes: [
        mistake(
          unusual.index,
          'the character after this place is a line break in YAML 1.1 and text in YAML 1.2',
          'write it as an escape: "\\u2028" in YAML, "\\u{2028}" in Lua',
        ),
      ],
    };
  }
  const problems = [...parsed.errors, ...parsed.warnings];
  if (problems.length > 0) {
    // One mistake often causes a row of others: the first is the one to mend.
    const [first] = problems.toSorted((a, b) => a.pos[0] - b.pos[0]);
    if (first) return { mistakes: [explain(first, mistake)] };
  }
  const structure = checkStructure(parsed, mistake);
  if (structure) return { mistakes: [structure] };
  let value: unknown;
  try {
    value = parsed.toJS({ maxAliasCount: maxAliases });
  } catch (error) {
    return {
      mistakes: [mistake(0, `the document cannot be read: ${error instanceof Error ? error.message : String(error)}`)],
    };
  }
  const document = parsed;
  if (value === null) return undefined;
  return {
    value,
    places: documentPlaces(document.contents as ParsedNode, placeAt, text),
    checkVersions: () => checkVersions(document, mistake),
  };
}

/** Turns offsets of a part into lines and columns of the file. */
function placesIn(text: string, firstLine: number): (offset: number) => LinePlace {
  let starts: number[] | undefined;
  return (offset) => {
    starts ??= [0, ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)];
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: firstLine + low, column: offset - (starts[low] ?? 0) + 1 };
  };
}

type Mistake = (offset: number, message: string, hint?: string) => Diagnostic;

/** The library's message in the words of this product for the mistakes people make most. */
function explain(error: { code: string; message: string; pos: [number, number] }, mistake: Mistake): Diagnostic {
  const [at] = error.pos;
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return mistake(at, 'a tab as indentation', 'YAML is indented with spaces');
    case 'DUPLICATE_KEY':
      return mistake(at, 'this key stands twice in the same map', 'remove one of them');
    case 'RESOURCE_EXHAUSTION':
      return mistake(at, `nested deeper than ${maxDepth} levels`);
    case 'TAG_RESOLVE_FAILED':
      return mistake(at, `an unknown tag: ${firstLine(error.message)}`, 'remove the tag');
    default:
      return mistake(at, firstLine(error.message));
  }
}

function firstLine(message: string): string {
  const [line = ''] = message.split('\n');
  return line.charAt(0).toLowerCase() + line.slice(1).replace(/:$/, '');
}

/** Depth, aliases and keys that plain JSON cannot hold. */
function checkStructure(document: Document.Parsed, mistake: Mistake): Diagnostic | undefined {
  let found: Diagnostic | undefined;
  let aliases = 0;
  visit(document, {
    Node(_key, node, path) {
      const [offset = 0] = node.range ?? [];
      if (isCollection(node) && path.filter(isCollection).length >= maxDepth) {
        found = mistake(offset, `nested deeper than ${maxDepth} levels`);
        return visit.BREAK;
      }
      if (isAlias(node) && path.some((ancestor) => isCollection(ancestor) && ancestor.anchor === node.source)) {
        found = mistake(offset, 'an alias inside its own anchor', 'write the value out');
        return visit.BREAK;
      }
      if (isAlias(node) && ++aliases > maxAliases) {
        found = mistake(offset, `more than ${maxAliases} aliases in one document`, 'write the values out');
        return visit.BREAK;
      }
      return undefined;
    },
    Pair(_key, pair) {
      const key = pair.key;
      if (isScalar(key) && (typeof key.value === 'string' || typeof key.value === 'number')) return undefined;
      // `on:` and the like are text here; the check of versions says more about them.
      if (isScalar(key) && typeof key.value === 'boolean') return undefined;
      const [offset = 0] = (isScalar(key) || isCollection(key) || isAlias(key) ? key.range : undefined) ?? [];
      found = mistake(offset, 'a key must be text');
      return visit.BREAK;
    },
  });
  return found;
}

function checkVersions(document: Document.Parsed, mistake: Mistake): readonly Diagnostic[] {
  const found: Diagnostic[] = [];
  visit(document, {
    Scalar(key, node, path) {
      if (node.type !== 'PLAIN' || node.tag !== undefined) return;
      const [offset = 0] = node.range ?? [];
      const source = node.source ?? '';
      const parent = path.at(-1);
      if (key === 'key' && source === '<<' && isPair(parent) && isMap(path.at(-2))) {
        found.push(mistake(offset, mergeKeyAmbiguity.message, mergeKeyAmbiguity.hint));
        return;
      }
      const ambiguity = findAmbiguity(source);
      if (ambiguity) found.push(mistake(offset, ambiguity.message, ambiguity.hint));
    },
  });
  return found;
}
