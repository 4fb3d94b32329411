/** All Lua of one function or subscription, code, modules and expressions, each with its place; and the remarks on the words in it. */
import type { CodeOrigin } from '../routing/types.ts';
import { checkLuaNames, knownNames, type LuaSource } from './check-lua-names.ts';
import type { Diagnostic, Severity } from './diagnostic.ts';
import type { FieldPath } from './document-places.ts';
import type { FileContent } from './folder.ts';
import type { FunctionDocument, ResourceDocument, SubscriptionDocument } from './source-documents.ts';

/** Remarks on a resource's Lua; made once as long as its document and files are the same. */
export type Remarks = (
  document: ResourceDocument,
  codeFiles: ReadonlyMap<string, FileContent>,
) => readonly Diagnostic[];

interface Remembered {
  readonly files: readonly (FileContent | undefined)[];
  readonly remarks: readonly Diagnostic[];
}

/** `unknownNames` is the severity of what fails when it is reached. */
export function createRemarks(unknownNames: Severity): Remarks {
  const known = knownNames();
  const remembered = new WeakMap<ResourceDocument, Remembered>();
  return (document, codeFiles) => {
    const named = document.kind === 'WebhookFunction' ? document.codeFiles : [];
    const files = named.map(({ name }) => codeFiles.get(name));
    const before = remembered.get(document);
    if (before?.files.every((file, index) => file === files[index])) return before.remarks;
    const sources = document.kind === 'WebhookFunction' ? luaSourcesOf(document, codeFiles) : expressionsOf(document);
    const remarks = checkLuaNames(sources, known, hasHiddenModules(document) ? 'warning' : unknownNames);
    remembered.set(document, { files, remarks });
    return remarks;
  };
}

/** A global that a module of a ConfigMap sets is not seen here. */
function hasHiddenModules({ kind, resource }: ResourceDocument): boolean {
  if (kind !== 'WebhookFunction') return false;
  const { modulesFrom, modules = [] } = resource.spec;
  return modulesFrom !== undefined || modules.some(({ configMapKeyRef }) => configMapKeyRef !== undefined);
}

function expressionsOf(document: SubscriptionDocument): readonly LuaSource[] {
  const { filter, transform, ordered } = document.resource.spec;
  return Object.entries({
    'spec.filter': filter,
    'spec.transform': transform,
    'spec.ordered.key': ordered?.key,
  }).flatMap(([path, text]): readonly LuaSource[] => {
    const origin = document.expressionOrigins.get(path) ?? fallback(document);
    return text === undefined ? [] : [{ text, origin, expression: true, more: ['event'] }];
  });
}

const expressionFields: readonly FieldPath[] = [
  ['filter'],
  ['http', 'rate', 'key'],
  ['http', 'dedup', 'key'],
  ['http', 'concurrency', 'key'],
  ['http', 'debounce', 'key'],
  ['event', 'dedup', 'key'],
  ['event', 'concurrency', 'key'],
  ['event', 'debounce', 'key'],
  ['kubernetes', 'changed'],
];

function luaSourcesOf(document: FunctionDocument, codeFiles: ReadonlyMap<string, FileContent>): readonly LuaSource[] {
  const { spec } = document.resource;
  const origins = document.codeOrigins;
  const names = new Map(document.codeFiles.map(({ written, name }) => [written, name]));
  const sources: LuaSource[] = [];
  const add = (text: string | undefined, file: string | undefined, origin: CodeOrigin | undefined): void => {
    const content = file === undefined ? undefined : codeFiles.get(names.get(file) ?? '');
    const found = text ?? (content?.kind === 'text' ? content.text : undefined);
    if (found !== undefined) sources.push({ text: found, origin: origin ?? fallback(document) });
  };
  add(spec.code, spec.codeFrom?.file, origins.get(''));
  for (const { name, code, file } of spec.modules ?? []) add(code, file, origins.get(name));
  for (const [index, trigger] of (spec.triggers ?? []).entries()) {
    for (const field of expressionFields) {
      const text = valueAt(trigger, field);
      if (typeof text !== 'string') continue;
      sources.push({
        text,
        // Asked for a remark only: it parses the document again.
        get origin() {
          const origin = document.places.textOrigin([...document.prefix, 'spec', 'triggers', index, ...field]);
          return origin === undefined ? fallback(document) : { file: document.file, ...origin };
        },
        expression: true,
        more: ['event', 'object', 'previous'],
      });
    }
  }
  return sources;
}

/** Lines of a folded or escaped text are not lines of the file: everything is said at the document. */
function fallback({ file, line }: ResourceDocument): CodeOrigin {
  return { file, lineOffset: line - 1, columnOffset: 0 };
}

function valueAt(value: unknown, path: FieldPath): unknown {
  return path.reduce<unknown>(
    (found, step) =>
      typeof found === 'object' && found !== null ? (found as Record<string, unknown>)[step] : undefined,
    value,
  );
}
