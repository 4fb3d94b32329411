/** Which functions a build has to look at: new, edited, gone, or with a reference that changed. */
import { servesClass, type InstallationPolicy } from '../policy/installation-policy.ts';
import type { FunctionInput } from './build-context.ts';
import { differingKeys } from './layered-map.ts';
import type { References } from './read-references.ts';
import type { ReferencedObject } from './types.ts';

/** What is known of a function from the build before. */
interface Known {
  readonly input: FunctionInput;
  readonly built: { readonly seen: ReadonlyMap<string, ReferencedObject | undefined> };
}

/** Functions by uid. */
export type FunctionInputs = ReadonlyMap<string, FunctionInput>;

export interface Changes {
  /** By uid. */
  readonly built: FunctionInputs;
  readonly gone: ReadonlySet<string>;
}

/** Compares by identity: sources give the same object as long as nothing about it changed. */
export function findChanges(
  input: {
    readonly functions: FunctionInputs;
    readonly references: References;
    readonly policy: InstallationPolicy;
    usersOf?(key: string): Iterable<string>;
  },
  memory:
    | {
        readonly functions: FunctionInputs;
        readonly references: References;
        readonly remembered: ReadonlyMap<string, Known>;
      }
    | undefined,
): Changes {
  const { functions, references, policy } = input;
  const built = new Map<string, FunctionInput>();
  const gone = new Set<string>();
  for (const uid of memory === undefined ? functions.keys() : differingKeys(memory.functions, functions)) {
    const item = functions.get(uid);
    if (item !== undefined && servesClass(policy, item.resource.spec.class)) built.set(uid, item);
    else if (memory?.remembered.has(uid) === true) gone.add(uid);
  }
  if (memory === undefined || references === memory.references) return { built, gone };
  for (const [uid, known] of concerned(memory.remembered, memory.references, input)) {
    if (!built.has(uid) && !gone.has(uid) && !sameSeen(known, references)) built.set(uid, known.input);
  }
  return { built, gone };
}

/** Functions whose references may have changed: those that looked one up that did, where that is known; else all. */
function* concerned(
  remembered: ReadonlyMap<string, Known>,
  before: References,
  { references, usersOf }: { readonly references: References; usersOf?(key: string): Iterable<string> },
): Iterable<readonly [string, Known]> {
  const changed = references.changedSince?.(before);
  if (changed === undefined || usersOf === undefined) {
    yield* remembered;
    return;
  }
  for (const uid of new Set(changed.flatMap((key) => [...usersOf(key)]))) {
    const known = remembered.get(uid);
    if (known !== undefined) yield [uid, known];
  }
}

/** Uid of a function; files may have none, then namespace and name stand in. */
export function uidOf({ resource: { metadata } }: FunctionInput): string {
  return metadata.uid ?? `${metadata.namespace ?? 'default'}/${metadata.name}`;
}

/** As a build takes them; each has a uid of its own. */
export function byUid(functions: Iterable<FunctionInput>): FunctionInputs {
  const inputs = new Map<string, FunctionInput>();
  for (const item of functions) inputs.set(uidOf(item), item);
  return inputs;
}

function sameSeen({ built }: Known, references: References): boolean {
  for (const [key, object] of built.seen) if (references.get(key) !== object) return false;
  return true;
}
