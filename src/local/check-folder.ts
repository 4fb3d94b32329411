/** Everything a local run would find wrong with files, without serving them. */
import { createFunctionCheck } from '../function/check-function.ts';
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import { receivers } from '../receivers/catalogue.ts';
import { documentCheck } from './check-document.ts';
import { sortDiagnostics, type Diagnostic } from './diagnostic.ts';
import { createFolderSource } from './folder-source.ts';
import { readInside } from './folder.ts';
import { createLocalInputs } from './local-inputs.ts';
import { diagnosticsOf, type FunctionState } from './report-functions.ts';
import { createTableBuilder, type TableServer } from './table-builder.ts';

export interface CheckFolderOptions {
  /** Files of code may stand in here and nowhere else. */
  readonly root: string;
  /** Relative to `root`. */
  readonly files: readonly string[];
  readonly secrets: ReadonlyMap<string, string>;
  readonly policy: InstallationPolicy;
  readonly server: TableServer;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Texts that are not written yet, by name of the file. */
  readonly drafts?: ReadonlyMap<string, string>;
  /** Files whose Secrets and ConfigMaps count, too; what is wrong in them is not told. */
  readonly beside?: readonly string[];
}

export interface CheckedFolder {
  readonly functions: number;
  readonly subscriptions: number;
  readonly diagnostics: readonly Diagnostic[];
}

/** What is not in the files may well be where they will run: a Secret is not kept beside them. */
const foundElsewhere: ReadonlySet<string> = new Set([
  'SecretNotFound',
  'SecretKeyNotFound',
  'ConfigMapNotFound',
  'ConfigMapKeyNotFound',
  'ServiceAccountNotFound',
]);

/** Checks documents, references, routes and the Lua itself, as one table. */
export async function checkFolder(options: CheckFolderOptions): Promise<CheckedFolder> {
  const { root, files, secrets, policy, server, now, drafts, beside = [] } = options;
  const source = createFolderSource({
    root,
    check: documentCheck(createFunctionCheck(receivers)),
    now: () => 0,
    read: async (folder, name) => {
      const draft = drafts?.get(name);
      return draft === undefined ? readInside(folder, name) : { kind: 'text', text: draft };
    },
  });
  const snapshot = await source.refresh([...files, ...beside]);
  const others = new Set(beside.filter((file) => !files.includes(file)));
  const builder = createTableBuilder({
    policy,
    inputs: createLocalInputs(now),
    server,
    unknownNames: 'error',
    // Nothing of a check is published or kept.
    fingerprintKey: new Uint8Array(32),
    now,
  });
  const states = await builder.update(snapshot, secrets);
  const found = [...states.values()].flatMap((state) => soften(state, diagnosticsOf(state)));
  const functions = [...states.values()].filter(({ verdict }) => verdict.kind === undefined).length;
  const subscriptions = states.size - functions;
  const told = [...snapshot.diagnostics, ...found].filter(({ file }) => !others.has(file));
  return { functions, subscriptions, diagnostics: sortDiagnostics(told) };
}

function soften({ verdict: { problems } }: FunctionState, diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return diagnostics.map((diagnostic) => {
    const problem = problems.find(({ message, path }) => message === diagnostic.message && path === diagnostic.path);
    return problem !== undefined && foundElsewhere.has(problem.reason)
      ? { ...diagnostic, severity: 'warning' }
      : diagnostic;
  });
}
