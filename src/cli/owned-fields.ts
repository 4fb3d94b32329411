/**
 * Which fields of a Kubernetes object belong to whom (`managedFields`, of which the API server makes the paths), and what of
 * a changed object is applied: what changed, and what whoever applies it owns already. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../function/is-object.ts';

/** `fieldsV1`: `f:` names a member, `k:` an item of a list by its keys, `v:` a value of a set. */
export interface FieldTree {
  readonly [key: string]: FieldTree;
}

export interface ManagedFields {
  readonly manager?: string;
  readonly operation?: 'Apply' | 'Update';
  readonly subresource?: string;
  readonly fieldsV1?: FieldTree;
}

/** Keys of the trees, from the root of the object. */
export type FieldPath = readonly string[];

export interface FieldChange {
  readonly path: FieldPath;
  /** Absent: it is new. */
  readonly before?: unknown;
  /** Absent: it is removed. */
  readonly after?: unknown;
}

type Plain = Readonly<Record<string, unknown>>;

/** Who sets a field, or something below it. */
export function ownersOf(managed: readonly ManagedFields[], path: FieldPath): readonly ManagedFields[] {
  return managed.filter(({ subresource, fieldsV1 }) => {
    let node: FieldTree | undefined = subresource === undefined ? fieldsV1 : undefined;
    for (const key of path) node = node?.[key];
    return node !== undefined;
  });
}

/** As the API server writes it: `.spec.triggers[name="web"].http`. */
export function pathText(path: FieldPath): string {
  return path
    .map((key) => {
      if (key.startsWith('f:')) return `.${key.slice(2)}`;
      if (key.startsWith('v:')) return `[=${key.slice(2)}]`;
      const keys = Object.entries(JSON.parse(key.slice(2)) as Plain);
      return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
    })
    .join('');
}

/**
 * What differs from `before` to `after`, and what of `after` is to be applied by the manager that owns `own`. Lists and maps
 * are taken apart where somebody owns parts of them; else they are applied as a whole.
 */
export function changedFields(
  before: Plain,
  after: Plain,
  managed: readonly ManagedFields[],
  own: FieldTree | undefined,
): { readonly changes: readonly FieldChange[]; readonly applied: Plain } {
  const changes: FieldChange[] = [];
  const trees = managed.filter(({ subresource }) => subresource === undefined).map(({ fieldsV1 }) => fieldsV1);
  const all = trees.reduce<FieldTree>((sum, tree) => joined(sum, tree ?? {}), {});
  const applied = compare([], before, after, own, all, changes);
  return { changes, applied: isObject(applied) ? applied : {} };
}

function compare(
  path: FieldPath,
  before: unknown,
  after: unknown,
  own: FieldTree | undefined,
  all: FieldTree | undefined,
  changes: FieldChange[],
): unknown {
  const parts = Object.keys(all ?? {});
  if (isObject(before) && isObject(after) && parts.length > 0) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    const inner = names.flatMap((name) => {
      const key = `f:${name}`;
      const value = compare([...path, key], before[name], after[name], own?.[key], all?.[key], changes);
      return value === undefined ? [] : [[name, value] as const];
    });
    return inner.length === 0 ? undefined : Object.fromEntries(inner);
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const names = keyNames(parts);
    const [old, now] = [before as readonly unknown[], after as readonly unknown[]];
    if (names !== undefined && isKeyed(now, names)) return compareItems(path, old, now, own, all, changes, names);
    if (parts.some((part) => part.startsWith('v:'))) {
      const gone = old.filter((item) => !now.some((each) => isDeepStrictEqual(each, item)));
      for (const item of gone) changes.push({ path: [...path, `v:${JSON.stringify(item)}`], before: item });
      for (const item of now.filter((each) => !old.some((one) => isDeepStrictEqual(one, each)))) {
        changes.push({ path: [...path, `v:${JSON.stringify(item)}`], after: item });
      }
      return isDeepStrictEqual(before, after) && own === undefined ? undefined : after;
    }
  }
  if (isDeepStrictEqual(before, after)) return own === undefined ? undefined : after;
  changes.push({
    path,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  });
  return after;
}

function compareItems(
  path: FieldPath,
  before: readonly unknown[],
  after: readonly unknown[],
  own: FieldTree | undefined,
  all: FieldTree | undefined,
  changes: FieldChange[],
  names: readonly string[],
): unknown {
  const keyOf = (item: unknown): string => `k:${JSON.stringify(keysOf(item, names))}`;
  const old = new Map(before.map((item) => [keyOf(item), item]));
  const wanted = new Set(after.map(keyOf));
  for (const [key, item] of old) if (!wanted.has(key)) changes.push({ path: [...path, key], before: item });
  const kept = [...old.keys()].filter((key) => wanted.has(key));
  // Another order is told by naming every item.
  const moved = !isDeepStrictEqual(
    kept,
    [...wanted].filter((key) => old.has(key)),
  );
  const items = after.flatMap((item) => {
    const key = keyOf(item);
    const inner = compare([...path, key], old.get(key), item, own?.[key], all?.[key], changes);
    if (inner === undefined && !moved) return [];
    return [isObject(inner) ? { ...keysOf(item, names), ...inner } : keysOf(item, names)];
  });
  return items.length === 0 ? undefined : items;
}

/** The object with another value at a path; undefined takes it away. */
export function withField(object: unknown, path: FieldPath, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (key.startsWith('f:')) {
    const name = key.slice(2);
    const { [name]: inner, ...others } = isObject(object) ? object : {};
    const next = withField(inner, rest, value);
    return next === undefined ? others : { ...(isObject(object) ? object : {}), [name]: next };
  }
  const items = Array.isArray(object) ? (object as readonly unknown[]) : [];
  const wanted = JSON.parse(key.slice(2)) as unknown;
  const isIt = (item: unknown): boolean =>
    isDeepStrictEqual(key.startsWith('v:') ? item : keysOf(item, Object.keys(wanted as Plain)), wanted);
  const at = items.findIndex(isIt);
  const next = withField(items[at], rest, value);
  if (next === undefined) return items.filter((_item, index) => index !== at);
  return at === -1 ? [...items, next] : items.map((item, index) => (index === at ? next : item));
}

function keyNames(parts: readonly string[]): readonly string[] | undefined {
  const first = parts.find((part) => part.startsWith('k:'));
  return first === undefined ? undefined : Object.keys(JSON.parse(first.slice(2)) as Plain);
}

function isKeyed(items: readonly unknown[], names: readonly string[]): boolean {
  const keys = items.map((item) => JSON.stringify(keysOf(item, names)));
  return (
    items.every((item) => isObject(item) && names.every((name) => item[name] !== undefined)) &&
    new Set(keys).size === keys.length
  );
}

function keysOf(item: unknown, names: readonly string[]): Plain {
  return Object.fromEntries(names.map((name) => [name, isObject(item) ? item[name] : undefined]));
}

function joined(one: FieldTree, other: FieldTree): FieldTree {
  const result: Record<string, FieldTree> = { ...one };
  for (const [key, tree] of Object.entries(other)) result[key] = joined(result[key] ?? {}, tree);
  return result;
}
