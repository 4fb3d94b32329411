/** The files of one function as a person edits them: read, judged as a draft, written whole or not at all. */
import { createHash, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { errorMessage } from '../failures/error-message.ts';
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import { checkFolder } from './check-folder.ts';
import type { Diagnostic } from './diagnostic.ts';
import { readInside } from './folder.ts';
import type { LocalView } from './local-api.ts';
import { readSecretsFile } from './read-secrets-file.ts';
import { replaceFile } from './replace-file.ts';
import type { FunctionDocument } from './source-documents.ts';
import type { TableServer } from './table-builder.ts';

export interface FunctionFiles {
  /** Name of the file that holds the resource, maybe beside others, and where the resource begins. */
  readonly file: string;
  readonly line: number;
  readonly yaml: string;
  /** The file that `codeFrom.file` names; absent: the code stands in `yaml`, or not in a file of the folder. */
  readonly lua?: { readonly file: string; readonly text: string };
  /** Of both texts. */
  readonly version: string;
}

export interface FilesDraft {
  readonly yaml: string;
  readonly lua?: string;
}

export type WrittenFiles =
  | { readonly kind: 'saved'; readonly files: FunctionFiles }
  | { readonly kind: 'conflict'; readonly theirs: FunctionFiles }
  | { readonly kind: 'refused'; readonly message: string };

/** Undefined: no such function, or its file is gone. */
export async function readFunctionFiles(
  view: LocalView,
  namespace: string,
  name: string,
): Promise<FunctionFiles | undefined> {
  const document = documentOf(view, namespace, name);
  return document === undefined ? undefined : filesOf(view, document);
}

/** Everything wrong with the draft, by file, as it would be beside the Secrets and ConfigMaps of the run. */
export async function checkDraft(
  view: LocalView,
  judge: {
    readonly server: TableServer;
    readonly policy: InstallationPolicy;
    /** Files of the folder with Secrets or ConfigMaps. */
    readonly beside: readonly string[];
  },
  draft: FilesDraft,
  files: FunctionFiles,
): Promise<readonly Diagnostic[]> {
  const drafts = new Map([[files.file, draft.yaml]]);
  if (files.lua !== undefined && draft.lua !== undefined) drafts.set(files.lua.file, draft.lua);
  const secrets = readSecretsFile(view.envFile);
  const { diagnostics } = await checkFolder({
    root: view.folder,
    files: [files.file],
    beside: judge.beside,
    secrets: secrets.ok ? secrets.entries : new Map(),
    policy: judge.policy,
    server: judge.server,
    now: () => view.now(),
    drafts,
  });
  // Keys that are only in the file that cannot be read are reported as missing: this is why.
  const unread: readonly Diagnostic[] = secrets.ok
    ? []
    : secrets.lines.map((message) => ({ severity: 'warning', file: files.file, message }));
  return [...unread, ...diagnostics];
}

/** Writes what differs from the disk, if the disk still has what the draft is based on. */
export async function saveFunctionFiles(
  view: LocalView,
  namespace: string,
  name: string,
  draft: FilesDraft,
  version: string,
): Promise<WrittenFiles> {
  const document = documentOf(view, namespace, name);
  const theirs = document === undefined ? undefined : await filesOf(view, document);
  if (theirs === undefined || document === undefined) {
    return { kind: 'refused', message: `there is no function ${namespace}/${name} any more` };
  }
  if (theirs.version !== version) return { kind: 'conflict', theirs };
  const writes: [file: string, text: string][] = [];
  if (theirs.lua !== undefined && draft.lua !== undefined && draft.lua !== theirs.lua.text) {
    writes.push([theirs.lua.file, draft.lua]);
  }
  if (draft.yaml !== theirs.yaml) writes.push([theirs.file, draft.yaml]);
  for (const [file, text] of writes) {
    try {
      await replaceFile(join(view.folder, file), text, randomUUID());
    } catch (error) {
      return { kind: 'refused', message: `cannot write ${file}: ${errorMessage(error)}` };
    }
  }
  const files = await filesOf(view, document);
  return files === undefined
    ? { kind: 'refused', message: `${document.file} is gone since it was written` }
    : { kind: 'saved', files };
}

async function filesOf(view: LocalView, document: FunctionDocument): Promise<FunctionFiles | undefined> {
  const yaml = await readInside(view.folder, document.file);
  if (yaml.kind !== 'text') return undefined;
  const written = document.resource.spec.codeFrom?.file;
  const named = document.codeFiles.find((file) => file.written === written);
  const lua = named === undefined ? undefined : await readInside(view.folder, named.name);
  const beside = named === undefined || lua?.kind !== 'text' ? {} : { lua: { file: named.name, text: lua.text } };
  const version = createHash('sha256')
    .update(yaml.text)
    .update('\0')
    .update(beside.lua?.text ?? '')
    .digest('base64url');
  return { file: document.file, line: document.line, yaml: yaml.text, ...beside, version };
}

function documentOf(view: LocalView, namespace: string, name: string): FunctionDocument | undefined {
  for (const { document, verdict } of view.states().values()) {
    if (document.kind !== 'WebhookFunction') continue;
    if (verdict.namespace === namespace && verdict.name === name) return document;
  }
  return undefined;
}
