/** Reads a file of several YAML documents; a broken document does not stop the others. */
import { parseAllDocuments, visit, type Alias, type Document } from 'yaml';
import { errorMessage } from '../failures/error-message.ts';
import type { Diagnostic } from './diagnostic.ts';
import {
  documentPlaces,
  type DocumentPlaces,
  type FieldPath,
  type LinePlace,
  type TextOrigin,
} from './document-places.ts';
import { explainYaml } from './explain-yaml.ts';
import { maxAliases, maxDepth, readStructure, versionMistake } from './yaml-structure.ts';

/** One document that parsed: its plain value and where each part of it stands. */
export interface YamlDocument {
  readonly value: unknown;
  /** Hold the whole syntax tree: for as long as the document is being read. */
  readonly places: DocumentPlaces;
  /** The same places, found by parsing again: they hold nothing but the text. */
  readonly laterPlaces: LaterPlaces;
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

/** The library compares each key with all before it, which takes the square of the time: `readStructure` looks for twice the same. */
const yamlOptions = { version: '1.2', prettyErrors: false, uniqueKeys: false } as const;

/** Parses the text of a file as YAML 1.2. */
export function parseYaml(file: string, text: string): YamlFile {
  const mistakes: Diagnostic[] = [];
  const documents: YamlDocument[] = [];
  const source = withoutMark(text);
  for (const { begin, end, firstLine } of splitDocuments(source)) {
    const result = parsePart(new LaterPlaces(file, source, begin, end, firstLine));
    if (result === undefined) continue;
    if ('mistakes' in result) mistakes.push(...result.mistakes);
    else documents.push(result);
  }
  return { documents, mistakes };
}

/** A directive after nothing but comments: it stands in a part of its own, before the `---` that ends it. */
const directivePattern = /^((?:[ \t]*(?:#[^\n]*)?\n)*)(%[^\r\n]*[^\s])/;

/** A byte order mark is no part of the text; offsets count without it. */
export function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

interface Part {
  readonly begin: number;
  readonly end: number;
  readonly firstLine: number;
}

/**
 * A line that begins with `---` separates documents in every context of YAML (1.2.2 §9.1.2 forbids it inside scalars), so
 * an unclosed quote in one document cannot swallow the next.
 */
function splitDocuments(source: string): readonly Part[] {
  const parts: Part[] = [];
  let begin = 0;
  let line = 1;
  let firstLine = 1;
  for (let at = 0; at < source.length;) {
    const end = source.indexOf('\n', at);
    const next = end === -1 ? source.length : end + 1;
    if (at > begin && /^---(?:[ \t\r\n]|$)/.test(source.slice(at, at + 4))) {
      parts.push({ begin, end: at, firstLine });
      begin = at;
      firstLine = line;
    }
    at = next;
    line += 1;
  }
  parts.push({ begin, end: source.length, firstLine });
  return parts;
}

function parsePart(part: LaterPlaces): YamlDocument | { readonly mistakes: readonly Diagnostic[] } | undefined {
  const { file, text, firstLine } = part;
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
  const control = findControl(text);
  if (control !== undefined) {
    const name = `U+${text.charCodeAt(control).toString(16).toUpperCase().padStart(4, '0')}`;
    const hint = 'remove it; in Lua it is written as an escape, such as \\0';
    return { mistakes: [mistake(control, `the control character ${name}, which YAML does not have`, hint)] };
  }
  let parsed: Document.Parsed | undefined;
  try {
    const result = parseAllDocuments(text, yamlOptions);
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
    if (first) return { mistakes: [explainYaml(first, mistake, text)] };
  }
  const structure = readStructure(parsed.contents, mistake);
  if ('severity' in structure) return { mistakes: [structure] };
  let value: unknown;
  try {
    value = parsed.toJS({ maxAliasCount: maxAliases });
  } catch (error) {
    const alias = findLooseAlias(parsed, errorMessage(error));
    if (alias !== undefined) {
      const hint = `set the anchor &${alias.source} before it; a text that begins with * stands in quotes`;
      return { mistakes: [mistake(alias.range?.[0] ?? 0, `the alias *${alias.source} has no anchor`, hint)] };
    }
    return {
      mistakes: [mistake(0, `the document cannot be read: ${errorMessage(error)}`)],
    };
  }
  if (value === null) return undefined;
  return {
    value,
    places: documentPlaces(parsed.contents, placeAt, text),
    laterPlaces: part,
    checkVersions: () => structure.plain.flatMap((scalar) => versionMistake(scalar, mistake)),
  };
}

/** The place of a character that YAML does not have (YAML 1.2.2 §5.1); the library takes them as text. */
function findControl(text: string): number | undefined {
  const at = text.search(/[^\t\n\r\u0020-\uFFFD]/);
  return at === -1 ? undefined : at;
}

/** The alias that the library names: to resolve each one anew would take the square of the time. */
function findLooseAlias(parsed: Document.Parsed, message: string): Alias | undefined {
  const source = /^Unresolved alias .*: (\S+)$/.exec(message)?.[1];
  let found: Alias | undefined;
  if (source === undefined) return undefined;
  visit(parsed, {
    Alias: (_key, alias) => {
      if (alias.source !== source) return undefined;
      found = alias;
      return visit.BREAK;
    },
  });
  return found;
}

/**
 * One document of a text, which parses again when it is asked. No closure: it would hold on to the tree that the others
 * beside it need; and no text of its own, as thousands of them share that of a file.
 */
export class LaterPlaces implements DocumentPlaces {
  readonly file: string;
  readonly begin: number;
  readonly end: number;
  readonly firstLine: number;
  readonly #source: string;

  /** `source`: the text of the whole file, without mark. */
  constructor(file: string, source: string, begin: number, end: number, firstLine: number) {
    this.file = file;
    this.begin = begin;
    this.end = end;
    this.firstLine = firstLine;
    this.#source = source;
  }

  get text(): string {
    return this.#source.slice(this.begin, this.end);
  }

  placeOf(path: FieldPath): LinePlace {
    return this.#places().placeOf(path);
  }

  textOrigin(path: FieldPath): TextOrigin | undefined {
    return this.#places().textOrigin(path);
  }

  #places(): DocumentPlaces {
    const parsed = parsePart(this);
    if (parsed === undefined || 'mistakes' in parsed) throw new Error('a document that was read cannot be read again');
    return parsed.places;
  }
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
