/** Everything a local run would find wrong with files, without serving them. */
import { createFunctionCheck } from '../function/check-function.ts';
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import { receivers } from '../receivers/catalogue.ts';
import { documentCheck } from './check-document.ts';
import { sortDiagnostics, type Diagnostic } from './diagnostic.ts';
import { createFolderSource, type SourceSnapshot } from './folder-source.ts';
import { readInside, type FileContent } from './folder.ts';
import { createLocalInputs } from './local-inputs.ts';
import { codeDiagnosticsOf, diagnosticsOf, type FunctionState } from './report-functions.ts';
import type { FunctionDocument } from './source-documents.ts';
import { createTableBuilder, type TableBuilder, type TableServer } from './table-builder.ts';

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
  const read = async (folder: string, name: string): Promise<FileContent> => {
    const draft = drafts?.get(name);
    return draft === undefined ? readInside(folder, name) : { kind: 'text', text: draft };
  };
  const source = createFolderSource({
    root,
    check: documentCheck(createFunctionCheck(receivers)),
    now: () => 0,
    read,
  });
  const snapshot = await source.refresh([...files, ...beside]);
  const others = new Set(beside.filter((file) => !files.includes(file)));
  const newBuilder = (): TableBuilder =>
    createTableBuilder({
      policy,
      inputs: createLocalInputs(now),
      server,
      unknownNames: 'error',
      // Nothing of a check is published or kept.
      fingerprintKey: new Uint8Array(32),
      now,
    });
  const builder = newBuilder();
  const states = await builder.update(snapshot, secrets);
  const found = [...states.values()].flatMap((state) => soften(state, diagnosticsOf(state)));
  const functions = [...states.values()].filter(({ verdict }) => verdict.kind === undefined).length;
  const subscriptions = states.size - functions;
  const broken = await readBroken(source.codeOfBroken(), snapshot, (name) => read(root, name));
  const brokenStates = broken === undefined ? [] : (await newBuilder().update(broken, secrets)).values();
  const code = [...brokenStates].flatMap(codeDiagnosticsOf);
  const told = [...snapshot.diagnostics, ...found, ...code].filter(({ file }) => !others.has(file));
  return { functions, subscriptions, diagnostics: sortDiagnostics(told) };
}

/** The code of what the schema refuses, with the Secrets and ConfigMaps of the others; undefined: there is none. */
async function readBroken(
  functions: readonly FunctionDocument[],
  { documents }: SourceSnapshot,
  read: (name: string) => Promise<FileContent>,
): Promise<SourceSnapshot | undefined> {
  if (functions.length === 0) return undefined;
  const codeFiles = new Map<string, FileContent>();
  for (const { name } of functions.flatMap((each) => each.codeFiles)) codeFiles.set(name, await read(name));
  const configuration = documents.filter(({ kind }) => kind === 'Secret' || kind === 'ConfigMap');
  return { documents: [...configuration, ...functions], codeFiles, diagnostics: [] };
}

function soften({ verdict: { problems } }: FunctionState, diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return diagnostics.map((diagnostic) => {
    const problem = problems.find(({ message, path }) => message === diagnostic.message && path === diagnostic.path);
    return problem !== undefined && foundElsewhere.has(problem.reason)
      ? { ...diagnostic, severity: 'warning' }
      : diagnostic;
  });
}
