/** Which functions a build has to look at: new, edited, gone, or with a reference that changed. */
import { servesClass, type InstallationPolicy } from '../policy/installation-policy.ts';
import type { FunctionInput } from './build-context.ts';
import type { References } from './read-references.ts';
import type { ReferencedObject } from './types.ts';

/** What is known of a function from the build before. */
interface Known {
  readonly input: FunctionInput;
  readonly built: { readonly seen: ReadonlyMap<string, ReferencedObject | undefined> };
}

export interface Changes {
  readonly built: readonly { readonly uid: string; readonly input: FunctionInput }[];
  readonly gone: readonly string[];
  readonly goneSet: ReadonlySet<string>;
  readonly skipped: readonly FunctionInput[];
}

/** Compares by identity: sources give the same object as long as nothing about it changed. */
export function findChanges(
  input: {
    readonly functions: readonly FunctionInput[];
    readonly references: References;
    readonly policy: InstallationPolicy;
  },
  memory:
    | {
        readonly functions: readonly FunctionInput[];
        readonly references: References;
        readonly remembered: ReadonlyMap<string, Known>;
      }
    | undefined,
): Changes {
  const { functions, references, policy } = input;
  const built = new Map<string, FunctionInput>();
  const skipped: FunctionInput[] = [];
  const before = memory?.functions ?? [];
  // Sources keep their order: nearly always the two lists run side by side, and nothing has to be looked up.
  let position = 0;
  let served = 0;
  for (const item of functions) {
    if (servesClass(policy, item.resource.spec.class)) served += 1;
    else skipped.push(item);
    if (before[position] === item) {
      position += 1;
      continue;
    }
    if (before[position + 1] === item) {
      position += 2;
      continue;
    }
    const uid = uidOf(item);
    const next = before[position];
    if (next !== undefined && uidOf(next) === uid) position += 1;
    if (!servesClass(policy, item.resource.spec.class)) continue;
    if (memory?.remembered.get(uid)?.input !== item) built.set(uid, item);
  }
  if (memory === undefined) return { built: pairs(built), gone: [], goneSet: new Set(), skipped };

  let added = 0;
  for (const uid of built.keys()) if (!memory.remembered.has(uid)) added += 1;
  const gone = memory.remembered.size + added === served ? [] : goneOf(functions, policy, memory.remembered);
  if (references !== memory.references) {
    const goneSet = new Set(gone);
    for (const [uid, known] of memory.remembered) {
      if (built.has(uid) || goneSet.has(uid) || sameSeen(known, references)) continue;
      built.set(uid, known.input);
    }
  }
  return { built: pairs(built), gone, goneSet: new Set(gone), skipped };
}

/** Uid of a function; files may have none, then namespace and name stand in. */
export function uidOf({ resource: { metadata } }: FunctionInput): string {
  return metadata.uid ?? `${metadata.namespace ?? 'default'}/${metadata.name}`;
}

function goneOf(
  functions: readonly FunctionInput[],
  policy: InstallationPolicy,
  remembered: ReadonlyMap<string, unknown>,
): readonly string[] {
  const present = new Set<string>();
  for (const item of functions) if (servesClass(policy, item.resource.spec.class)) present.add(uidOf(item));
  return [...remembered.keys()].filter((uid) => !present.has(uid));
}

function sameSeen({ built }: Known, references: References): boolean {
  for (const [key, object] of built.seen) if (references.get(key) !== object) return false;
  return true;
}

function pairs(built: ReadonlyMap<string, FunctionInput>): Changes['built'] {
  return [...built].map(([uid, input]) => ({ uid, input }));
}
