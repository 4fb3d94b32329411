/** Checks a document against the schema of its kind and its rules, as the API server would. */
import { Ajv, type ValidateFunction } from 'ajv';
import { isObject } from './is-object.ts';
import { localSchema, toJsonSchema } from './local-schema.ts';
import { formatPath, pointerSteps, toMistakes, type Mistake } from './mistakes.ts';
import type { SchemaNode } from './schema-node.ts';

/** Checks documents of one kind; answers what is wrong. `before` is the last accepted document of the same name. */
export type DocumentCheck = (document: unknown, before?: unknown) => readonly Mistake[];

/** More mistakes than this are not listed: the first ones explain the rest. */
const maxMistakes = 50;

/** The check is compiled (tenths of a second) for the first document, and used for all. */
export function createDocumentCheck(schema: SchemaNode, kind: string): DocumentCheck {
  let compiled: { readonly root: SchemaNode; readonly validate: ValidateFunction } | undefined;
  return (document, before) => {
    const { root, validate } = (compiled ??= compile(schema, kind));
    const errors = validate(document) ? [] : (validate.errors ?? []);
    const mistakes = toMistakes(errors, document, root);
    // An object with a misspelt or missing field breaks its rules for that reason alone: one sentence is enough.
    const spoilt = new Set(
      errors
        .filter(({ keyword }) => keyword === 'additionalProperties' || keyword === 'required')
        .map(({ instancePath }) => formatPath(pointerSteps(instancePath, document))),
    );
    walk(root, document, before, [], (path, message) => {
      if (!spoilt.has(path)) mistakes.push({ path, message });
    });
    return mistakes.slice(0, maxMistakes);
  };
}

function compile(schema: SchemaNode, kind: string): { readonly root: SchemaNode; readonly validate: ValidateFunction } {
  const root = localSchema(schema, kind);
  // `strict` off: `required` names fields that stand in a sibling keyword; `allErrors`: a person wants all mistakes at once.
  const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
  return { root, validate: ajv.compile(toJsonSchema(root)) };
}

/** Visits every value the schema knows: rules of objects, unique keys of list-maps. */
function walk(
  node: SchemaNode,
  value: unknown,
  before: unknown,
  steps: readonly (string | number)[],
  report: (path: string, message: string) => void,
): void {
  if (Array.isArray(value)) {
    if (!node.items) return;
    const [key] = node['x-kubernetes-list-map-keys'] ?? [];
    const earlier = new Map<unknown, number>();
    for (const [index, item] of value.entries()) {
      const itemSteps = [...steps, index];
      if (key !== undefined && isObject(item)) {
        const first = earlier.get(item[key]);
        if (first !== undefined && item[key] !== undefined) {
          report(
            formatPath([...itemSteps, key]),
            `${JSON.stringify(item[key])} is already the ${key} of ${formatPath([...steps, first])}`,
          );
        } else earlier.set(item[key], index);
      }
      walk(node.items, item, undefined, itemSteps, report);
    }
    return;
  }
  if (!isObject(value)) return;
  const earlier = isObject(before) ? before : undefined;
  for (const rule of node.rules ?? []) {
    if (!rule.check(value, earlier)) report(formatPath(steps), rule.message);
  }
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    if (Object.hasOwn(value, name)) walk(child, value[name], earlier?.[name], [...steps, name], report);
  }
}
