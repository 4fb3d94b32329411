/** Patches of JSON documents: merge patch (RFC 7386) and JSON patch (RFC 6902). */
import { isObject } from '../function/is-object.ts';

type Plain = Record<string, unknown>;

/** `null` removes a member. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  // As a map: a member may be called as something that objects have anyway.
  const members = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) members.delete(key);
    else members.set(key, mergePatch(members.get(key), value));
  }
  return Object.fromEntries(members);
}

export type Patched = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly message: string };

/** What `copy` may make of a small patch: each doubles what there is, if it likes. */
const mostCopied = 8 * 1024 * 1024;

/** All steps or none. */
export function jsonPatch(target: unknown, steps: unknown): Patched {
  if (!Array.isArray(steps)) return { ok: false, message: 'a JSON patch is a list of operations' };
  const holder: Plain = { root: structuredClone(target) };
  let copied = 0;
  for (const step of steps as readonly unknown[]) {
    if (!isObject(step)) return { ok: false, message: 'a step of a JSON patch is an object' };
    if (step['op'] === 'copy') copied += JSON.stringify(look(holder, String(step['from'])) ?? null).length;
    if (copied > mostCopied) return { ok: false, message: `the patch copies more than ${mostCopied} bytes` };
    const mistake = takeStep(holder, step);
    if (mistake !== undefined) return { ok: false, message: mistake };
  }
  return { ok: true, value: holder['root'] };
}

function takeStep(holder: Plain, { op, path, from, value }: Plain): string | undefined {
  if (typeof path !== 'string') return 'an operation needs a path';
  switch (op) {
    case 'add':
      return put(holder, path, value, true);
    case 'replace':
      return look(holder, path) === undefined ? `there is nothing at ${path}` : put(holder, path, value, false);
    case 'remove':
      return remove(holder, path);
    case 'test':
      return JSON.stringify(look(holder, path)) === JSON.stringify(value) ? undefined : `the test of ${path} failed`;
    case 'move':
    case 'copy': {
      const found = look(holder, String(from));
      if (found === undefined) return `there is nothing at ${String(from)}`;
      const taken = op === 'move' ? remove(holder, String(from)) : undefined;
      return taken ?? put(holder, path, structuredClone(found), true);
    }
    default:
      return `"${String(op)}" is no operation of a JSON patch`;
  }
}

/** Its parts below the member that holds the document (RFC 6901). */
function partsOf(pointer: string): string[] {
  const parts = pointer.split('/').slice(1);
  return ['root', ...parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))];
}

function look(holder: Plain, pointer: string): unknown {
  return partsOf(pointer).reduce<unknown>(memberOf, holder);
}

/** Of its own, never one that it has from elsewhere. */
function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Plain)[name];
}

function put(holder: Plain, pointer: string, value: unknown, insert: boolean): string | undefined {
  const parts = partsOf(pointer);
  const last = parts.pop() ?? 'root';
  const parent = parts.reduce<unknown>(memberOf, holder);
  if (Array.isArray(parent)) {
    const index = last === '-' ? parent.length : Number(last);
    if (!Number.isInteger(index) || index < 0 || index > parent.length) return `${pointer} is outside of its list`;
    parent.splice(index, insert ? 0 : 1, value);
    return undefined;
  }
  if (!isObject(parent)) return `there is nothing that could hold ${pointer}`;
  Object.defineProperty(parent, last, { value, enumerable: true, writable: true, configurable: true });
  return undefined;
}

function remove(holder: Plain, pointer: string): string | undefined {
  if (look(holder, pointer) === undefined) return `there is nothing at ${pointer}`;
  const parts = partsOf(pointer);
  const last = parts.pop() ?? 'root';
  const parent = parts.reduce<unknown>(memberOf, holder);
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else if (isObject(parent)) delete (parent as Plain)[last];
  return undefined;
}
