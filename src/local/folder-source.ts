/** Reads the resources of a folder again and again, only what changed, and answers them as they are in force. */
import { CombinedFiles, removalGraceMs, takeReading, type FileState } from './combine-files.ts';
import type { Diagnostic } from './diagnostic.ts';
import { isResourceFile, listFolder, readInside, type FileContent } from './folder.ts';
import type { ReadingCache } from './reading-cache.ts';
import { readDocuments, type CheckFunction } from './read-documents.ts';
import type { FileReading, FunctionDocument, SourceDocument } from './source-documents.ts';

export interface SourceSnapshot {
  readonly documents: readonly SourceDocument[];
  /** Content of the files that functions name, by name relative to the folder. */
  readonly codeFiles: ReadonlyMap<string, FileContent>;
  /** All that is to be said about the files now. */
  readonly diagnostics: readonly Diagnostic[];
  /** Set: something seems removed; refresh again after so long. */
  readonly lookAgainInMs?: number;
}

export interface FolderSource {
  /** Reads what changed (names of files or folders; the empty name: everything) and answers the whole. */
  refresh(names: Iterable<string>): Promise<SourceSnapshot>;
  /** Of the functions that are broken now: code that can be judged for itself. */
  codeOfBroken(): readonly FunctionDocument[];
  /** Files besides the resource files whose change counts. */
  otherFiles(): Iterable<string>;
}

export interface FolderSourceOptions {
  readonly root: string;
  readonly check: CheckFunction;
  /** Milliseconds, monotonic. */
  now(): number;
  /** Reads a file of the folder; default: from the disk. */
  readonly read?: (root: string, name: string) => Promise<FileContent>;
  /** Readings of an earlier run. */
  readonly readings?: ReadingCache;
}

interface CodeFile {
  readonly content: FileContent;
  readonly missingSince?: number;
}

const filesAtOnce = 64;
const emptyReading: FileReading = {
  documents: [],
  broken: [],
  brokenConfiguration: [],
  codeOfBroken: [],
  unreadable: false,
  diagnostics: [],
};

/** A source over one folder. Calls of `refresh` must not overlap. */
export function createFolderSource(options: FolderSourceOptions): FolderSource {
  const { root, check, now, read = readInside, readings } = options;
  const files = new Map<string, FileState>();
  /** Files of which something waits for its removal to be believed. */
  const leaving = new Set<string>();
  const combined = new CombinedFiles();
  const codeFiles = new Map<string, CodeFile>();
  /** By name of the folder. */
  const unread = new Map<string, Diagnostic>();

  function takeFile(name: string, content: FileContent): void {
    const before = files.get(name);
    const same = before !== undefined && sameContent(before.content, content);
    if (same && before.leaving.size === 0) return;
    const next = takeReading(before, same ? before.reading : readingOf(name, content), content, now());
    const gone = content.kind === 'missing' && content.link !== true && next.given.size === 0;
    if (gone) files.delete(name);
    else files.set(name, next);
    if (next.leaving.size > 0) leaving.add(name);
    else leaving.delete(name);
    combined.set(name, before, gone ? undefined : next);
  }

  /** In groups: one after the other would wait for the disk each time, all at once hold every text. */
  async function readFiles(names: readonly string[]): Promise<void> {
    for (let at = 0; at < names.length; at += filesAtOnce) {
      const group = names.slice(at, at + filesAtOnce);
      const contents = await Promise.all(group.map((name) => read(root, name)));
      for (const [index, content] of contents.entries()) takeFile(group[index] ?? '', content);
    }
  }

  function readingOf(name: string, content: FileContent): FileReading {
    if (content.kind === 'text') return readingOfText(name, content.text);
    if (content.kind === 'refused') {
      const diagnostic: Diagnostic = { severity: 'error', file: name, message: content.message };
      return { ...emptyReading, unreadable: true, diagnostics: [diagnostic] };
    }
    if (content.link !== true) return emptyReading;
    const message = 'it is a link to a file that is not there: remove the link, or put the file there';
    return { ...emptyReading, diagnostics: [{ severity: 'error', file: name, message }] };
  }

  function readingOfText(name: string, text: string): FileReading {
    const known = readings?.find(name, text);
    if (known !== undefined) return known;
    const reading = readDocuments(name, text, check);
    readings?.keep(name, text, reading);
    return reading;
  }

  async function readCodeFile(name: string): Promise<void> {
    const content = await read(root, name);
    const before = codeFiles.get(name);
    if (content.kind !== 'missing' || before?.content.kind !== 'text') {
      codeFiles.set(name, { content });
      return;
    }
    const missingSince = before.missingSince ?? now();
    const gone = now() - missingSince >= removalGraceMs;
    codeFiles.set(name, gone ? { content } : { content: before.content, missingSince });
  }

  /** Resource files that the names stand for, and those that are waiting for their removal to be believed. */
  async function resourceFilesOf(names: readonly string[]): Promise<ReadonlySet<string>> {
    const wanted = new Set<string>();
    for (const name of names) {
      if (isResourceFile(name)) wanted.add(name);
      // A name that is a file of ours is no folder.
      if (files.has(name)) continue;
      for (const known of files.keys()) if (isWithin(known, name)) wanted.add(known);
      const listing = await listFolder(root, name);
      for (const file of listing?.files ?? []) wanted.add(file);
      for (const folder of unread.keys()) if (isWithin(folder, name)) unread.delete(folder);
      for (const { folder, message } of listing?.unread ?? []) {
        unread.set(folder, { severity: 'error', file: folder === '' ? '.' : folder, message });
      }
    }
    for (const name of leaving) wanted.add(name);
    return wanted;
  }

  return {
    otherFiles: () => codeFiles.keys(),
    codeOfBroken: () => [...files.values()].flatMap(({ reading }) => reading.codeOfBroken),
    refresh: async (changed) => {
      const names = [...changed];
      await readFiles([...(await resourceFilesOf(names))]);
      const documents = [...combined.documents.values()];
      const used = new Set(
        documents.flatMap((document) =>
          document.kind === 'WebhookFunction' ? document.codeFiles.map(({ name }) => name) : [],
        ),
      );
      for (const name of codeFiles.keys()) if (!used.has(name)) codeFiles.delete(name);
      for (const name of used) {
        const known = codeFiles.get(name);
        const touched = names.some((part) => isWithin(name, part));
        if (!known || touched || known.missingSince !== undefined) await readCodeFile(name);
      }
      const waiting =
        leaving.size > 0 || [...codeFiles.values()].some(({ missingSince }) => missingSince !== undefined);
      return {
        documents,
        codeFiles: new Map([...codeFiles].map(([name, { content }]) => [name, content])),
        diagnostics: [...unread.values(), ...combined.diagnostics],
        ...(waiting ? { lookAgainInMs: removalGraceMs } : {}),
      };
    },
  };
}

/** Whether a name is the other or stands below it. */
function isWithin(name: string, folder: string): boolean {
  return folder === '' || name === folder || name.startsWith(`${folder}/`);
}

function sameContent(left: FileContent, right: FileContent): boolean {
  if (left.kind === 'text' && right.kind === 'text') return left.text === right.text;
  if (left.kind === 'refused' && right.kind === 'refused') return left.message === right.message;
  if (left.kind === 'missing' && right.kind === 'missing') return left.link === right.link;
  return left.kind === right.kind;
}
