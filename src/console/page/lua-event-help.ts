/** Completion of the event's fields: what the host documents, and what the chosen sample holds. */
import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete';
import type { EditorView } from '@codemirror/view';
import type { LanguageHelp } from '../console-source.ts';

/** What the draft is tried on: `data` as it is, the rest as far as it is known. */
export type SampleEvent = Readonly<Record<string, unknown>>;

type EventFields = LanguageHelp['event'];

const pathPattern = /(?:[A-Za-z_]\w*)(?:\.\w*|\[\s*\w+\s*\])+$/;
const wordPattern = /^[A-Za-z_]\w*$/;
/** Written between quotes without any escape. */
const plainPattern = /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/;
const mostFields = 200;
const longestPreview = 40;
/** So far back an alias is looked for. */
const lookBack = 4_000;

/** Undefined: the cursor is in no path that begins with the event. */
export function completeEvent(
  context: CompletionContext,
  fields: EventFields,
  sample: SampleEvent | undefined,
): CompletionResult | undefined {
  const match = context.matchBefore(pathPattern);
  // After `]` nothing is begun.
  if (match === null || match.text.endsWith(']')) return undefined;
  const before = context.state.sliceDoc(Math.max(0, match.from - lookBack), match.from);
  const path = stepsOf(match.text, before);
  if (path === undefined) return undefined;
  const typed = /\w*$/.exec(match.text)?.[0] ?? '';
  const value = valueAt(sample, path);
  const documented = documentedAt(fields, path);
  const known = new Set(documented.map(({ name }) => name));
  const found = isObject(value) ? Object.keys(value).filter((name) => !known.has(name)) : [];
  const options = [
    ...documented.map(({ name, type, description }): Completion => {
      const preview = isObject(value) && Object.hasOwn(value, name) ? previewOf(value[name]) : type;
      return { label: name, type: 'property', detail: preview, info: description };
    }),
    ...found.slice(0, mostFields).flatMap((name): Completion[] => {
      if (!isObject(value)) return [];
      const option = { label: name, type: 'property', detail: previewOf(value[name]), boost: 1 };
      if (wordPattern.test(name)) return [option];
      return plainPattern.test(name) ? [{ ...option, apply: inBrackets }] : [];
    }),
  ];
  if (options.length === 0) return undefined;
  return { from: context.pos - typed.length, options, validFor: /^\w*$/ };
}

/** A name that is no word: `event.data["x-y"]` instead of what was typed after the dot. */
function inBrackets(view: EditorView, { label }: Completion, from: number, to: number): void {
  const insert = `["${label}"]`;
  view.dispatch({ changes: { from: from - 1, to, insert }, selection: { anchor: from - 1 + insert.length } });
}

/** The members from the event on, the last one unfinished and left out; undefined: it begins with something else. */
function stepsOf(text: string, before: string): readonly string[] | undefined {
  const steps = text
    .replaceAll(/\[\s*\w+\s*\]/g, '.1')
    .split('.')
    .slice(0, -1);
  const [root = '', ...rest] = steps;
  const from = rootOf(root, before, 3);
  return from === undefined ? undefined : [...from, ...rest];
}

/** What a name stands for: the event, or a part of it that was given a name above. */
function rootOf(name: string, before: string, hops: number): readonly string[] | undefined {
  const alias = [
    ...before.matchAll(/\blocal\s+(\w+)\s*=\s*([A-Za-z_]\w*)((?:\.\w+|\[\s*\w+\s*\])*)[ \t]*(?:$|[\n;-])/gm),
  ]
    .filter(([, own]) => own === name)
    .at(-1);
  if (alias !== undefined && hops > 0) {
    const from = rootOf(alias[2] ?? '', before, hops - 1);
    const more = (alias[3] ?? '').replaceAll(/\[\s*\w+\s*\]/g, '.1').split('.');
    return from === undefined ? undefined : [...from, ...more.filter((step) => step !== '')];
  }
  if (name === 'event') return [];
  // A handler may call it as it likes.
  return new RegExp(`\\breturn\\s+function\\s*\\(\\s*${name}\\s*[,)]`).test(before) ? [] : undefined;
}

function documentedAt({ event, request, sender }: EventFields, path: readonly string[]): EventFields['event'] {
  if (path.length === 0) return event;
  if (path.length > 1) return [];
  return path[0] === 'request' ? request : path[0] === 'sender' ? sender : [];
}

function valueAt(sample: unknown, path: readonly string[]): unknown {
  let value = sample;
  for (const step of path) {
    // Every item of a list is taken to look like the first.
    if (Array.isArray(value)) value = (value as readonly unknown[])[0];
    else value = isObject(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }
  return value;
}

function previewOf(value: unknown): string {
  if (Array.isArray(value)) return `list of ${value.length}`;
  if (isObject(value)) return '{…}';
  const text = JSON.stringify(value) ?? '';
  return text.length > longestPreview ? `${text.slice(0, longestPreview)}…` : text;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
