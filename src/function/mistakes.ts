/** Turns what ajv says about a document into mistakes a person can act on. */
import type { ErrorObject } from 'ajv';
import { didYouMean } from './suggest.ts';
import type { SchemaNode } from './schema-node.ts';

/** One mistake of a document; `path` as in `spec.triggers[0].http.receiver`, empty for the document itself. */
export interface Mistake {
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
}

/** Steps from the document's root to a value. */
export type Steps = readonly (string | number)[];

const plainKey = /^[A-Za-z_$][A-Za-z0-9_$-]*$/;

/** `spec.triggers[0].http`; keys that are not plain words are quoted: `metadata.labels["a/b"]`. */
export function formatPath(steps: Steps): string {
  let path = '';
  for (const step of steps) {
    if (typeof step === 'number') path += `[${step}]`;
    else if (plainKey.test(step)) path += path === '' ? step : `.${step}`;
    else path += `[${JSON.stringify(step)}]`;
  }
  return path;
}

/** Steps of a JSON pointer; numbers where the document has a list. */
export function pointerSteps(pointer: string, document: unknown): (string | number)[] {
  const steps: (string | number)[] = [];
  let value: unknown = document;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    steps.push(Array.isArray(value) ? Number(key) : key);
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  }
  return steps;
}

/** What the schema says of the value at these steps. */
export function nodeAt(root: SchemaNode, steps: Steps): SchemaNode | undefined {
  let node: SchemaNode | undefined = root;
  for (const step of steps) {
    if (typeof step === 'number') node = node?.items;
    else if (node?.properties && Object.hasOwn(node.properties, step)) node = node.properties[step];
    else node = node?.additionalProperties;
  }
  return node;
}

/** The value at these steps. */
export function valueAt(document: unknown, steps: Steps): unknown {
  let value = document;
  for (const step of steps)
    value = typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[step] : undefined;
  return value;
}

/** One mistake per finding of ajv. */
export function toMistakes(errors: readonly ErrorObject[], document: unknown, root: SchemaNode): Mistake[] {
  const seen = new Set<string>();
  const mistakes: Mistake[] = [];
  for (const error of errors) {
    const mistake = toMistake(error, document, root, errors);
    if (!mistake) continue;
    const key = `${mistake.path}\n${mistake.message}`;
    if (!seen.has(key)) mistakes.push(mistake);
    seen.add(key);
  }
  return mistakes;
}

function toMistake(
  error: ErrorObject,
  document: unknown,
  root: SchemaNode,
  all: readonly ErrorObject[],
): Mistake | undefined {
  const steps = pointerSteps(error.instancePath, document);
  const node = nodeAt(root, steps);
  const value = valueAt(document, steps);
  const path = formatPath(steps);
  const parameters = error.params as Readonly<Record<string, unknown>>;
  switch (error.keyword) {
    case 'additionalProperties': {
      const name = String(parameters.additionalProperty);
      return {
        path: formatPath([...steps, name]),
        message: `unknown field "${name}"`,
        ...hintFor(name, node, nodeAt(root, parentOf(steps))),
      };
    }
    case 'required': {
      const name = String(parameters.missingProperty);
      if (isMisspelt(name, error.instancePath, node, all)) return undefined;
      const about = node?.properties?.[name]?.description;
      return { path, message: `"${name}" is required`, ...(about === undefined ? {} : { hint: about }) };
    }
    case 'enum': {
      const allowed = (parameters.allowedValues as readonly unknown[]).map(String);
      const hint = typeof value === 'string' ? didYouMean(value, allowed) : undefined;
      return {
        path,
        message: `${show(value)} is not one of ${allowed.join(', ')}`,
        ...(hint === undefined ? {} : { hint }),
      };
    }
    case 'type':
      return typeMistake(path, [parameters.type].flat().map(String), value, node);
    case 'pattern':
      return {
        path,
        message: `${show(value)} is not ${node?.expected ?? `of the form ${String(parameters.pattern)}`}`,
      };
    case 'maxLength':
      return { path, message: `is longer than ${String(parameters.limit)} characters` };
    case 'minLength':
      return { path, message: 'must not be empty' };
    case 'maxItems':
    case 'maxProperties':
      return { path, message: `has more than ${String(parameters.limit)} entries` };
    case 'minItems':
    case 'minProperties':
      return {
        path,
        message: `needs at least ${String(parameters.limit)} ${parameters.limit === 1 ? 'entry' : 'entries'}`,
      };
    case 'minimum':
      return { path, message: `${show(value)} is less than ${String(parameters.limit)}` };
    case 'maximum':
      return { path, message: `${show(value)} is more than ${String(parameters.limit)}` };
    case 'uniqueItems':
      return { path, message: `the entries ${String(parameters.i)} and ${String(parameters.j)} are the same` };
    default:
      return { path, message: error.message ?? `breaks the rule ${error.keyword}` };
  }
}

function hintFor(
  name: string,
  node: SchemaNode | undefined,
  parent: SchemaNode | undefined,
): { readonly hint?: string } {
  const allowed = Object.keys(node?.properties ?? {});
  const nearest = didYouMean(name, allowed);
  if (nearest !== undefined) return { hint: nearest };
  const elsewhere = whoseField(name, node, parent);
  if (allowed.length === 0) return { hint: `it takes no fields${elsewhere}` };
  return { hint: `the fields are ${allowed.join(', ')}${elsewhere}` };
}

/** A field that stands one level too high or too low. */
function whoseField(name: string, node: SchemaNode | undefined, parent: SchemaNode | undefined): string {
  const below = Object.entries(node?.properties ?? {})
    .filter(([, inner]) => hasField(inner, name) || hasField(inner.items, name))
    .map(([key, { items }]) => (items === undefined ? key : `an entry of ${key}`));
  if (below.length > 0) return `; it is a field of ${below.join(' or ')}`;
  return hasField(parent, name) ? '; it belongs one level up' : '';
}

function hasField(node: SchemaNode | undefined, name: string): boolean {
  return node?.properties !== undefined && Object.hasOwn(node.properties, name);
}

/** Of what the value is a field, whether or not it stands in a list. */
function parentOf(steps: Steps): Steps {
  const above = steps.slice(0, -1);
  return typeof steps.at(-1) === 'number' ? above.slice(0, -1) : above;
}

/** A required field is not reported when the same object has it under a misspelt name. */
function isMisspelt(name: string, pointer: string, node: SchemaNode | undefined, all: readonly ErrorObject[]): boolean {
  const allowed = Object.keys(node?.properties ?? {});
  return all.some(
    (other) =>
      other.keyword === 'additionalProperties' &&
      other.instancePath === pointer &&
      didYouMean(String((other.params as Readonly<Record<string, unknown>>).additionalProperty), allowed) ===
        `did you mean "${name}"?`,
  );
}

function typeMistake(path: string, wanted: readonly string[], value: unknown, node: SchemaNode | undefined): Mistake {
  const names: Readonly<Record<string, string>> = {
    object: 'an object',
    array: 'a list',
    string: 'text',
    integer: 'a whole number',
    number: 'a number',
    boolean: 'true or false',
  };
  const message = `must be ${wanted.map((type) => names[type] ?? type).join(' or ')}, not ${kindOf(value)}`;
  if (value === null) return { path, message, hint: 'it has no value: give one or remove the line' };
  if (wanted.includes('string') && (typeof value === 'number' || typeof value === 'boolean')) {
    return { path, message, hint: quotedHint(value, node) };
  }
  if (wanted.includes('boolean') && typeof value === 'string')
    return { path, message, hint: 'write true or false without quotes' };
  return node?.description === undefined ? { path, message } : { path, message, hint: node.description };
}

/** Quotes help only where the text would then be allowed: no duration is a bare number. */
function quotedHint(value: number | boolean, node: SchemaNode | undefined): string {
  const allowed = node?.pattern === undefined || new RegExp(node.pattern, 'u').test(String(value));
  return allowed || node?.expected === undefined ? `write it in quotes: "${String(value)}"` : `write ${node.expected}`;
}

function kindOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string') return 'text';
  return `the ${typeof value} ${JSON.stringify(value)}`;
}

/** A value as a message shows it: short, on one line. */
function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
