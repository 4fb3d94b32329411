/** What the files of a folder give together: each resource in the last valid form of its document, from one file. */
import type { Diagnostic } from './diagnostic.ts';
import type { FileContent } from './folder.ts';
import type { FileReading, SourceDocument } from './read-documents.ts';

/** So long must a file or document be gone until it counts as removed: an editor may be in the middle of saving. */
export const removalGraceMs = 150;

/** What one file gives now. */
export interface FileState {
  readonly content: FileContent;
  readonly reading: FileReading;
  /** By identity: the documents it holds, and the last valid form of those that are broken or have just gone. */
  readonly given: ReadonlyMap<string, SourceDocument>;
  /** Identities no longer in the file, and since when (milliseconds). */
  readonly leaving: ReadonlyMap<string, number>;
}

/** What a file gives after a new reading. A document that cannot be named may be any of the file's: all of them stay. */
export function takeReading(
  before: FileState | undefined,
  reading: FileReading,
  content: FileContent,
  now: number,
): FileState {
  const given = new Map<string, SourceDocument>();
  const leaving = new Map<string, number>();
  for (const document of reading.documents) if (!given.has(document.identity)) given.set(document.identity, document);
  for (const [identity, document] of before?.given ?? []) {
    if (given.has(identity)) continue;
    if (reading.unreadable || reading.broken.includes(identity)) {
      given.set(identity, document);
      continue;
    }
    const since = before?.leaving.get(identity) ?? now;
    if (now - since >= removalGraceMs) continue;
    given.set(identity, document);
    leaving.set(identity, since);
  }
  return { content, reading, given, leaving };
}

interface Claim {
  readonly file: string;
  readonly document: SourceDocument;
  readonly leaving: boolean;
}

/**
 * One document per identity: of two, the one already in force (`owners`, updated here) stays, else the first by file name.
 */
export function combineFiles(
  files: ReadonlyMap<string, FileState>,
  owners: Map<string, string>,
): { readonly documents: readonly SourceDocument[]; readonly diagnostics: readonly Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const claims = new Map<string, Claim[]>();
  for (const [file, { reading, given, leaving }] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    diagnostics.push(...reading.diagnostics, ...repeated(reading, given));
    for (const [identity, document] of given) {
      const list = claims.get(identity) ?? [];
      list.push({ file, document, leaving: leaving.has(identity) });
      claims.set(identity, list);
    }
  }
  const documents: SourceDocument[] = [];
  for (const [identity, list] of claims) {
    const staying = list.filter(({ leaving }) => !leaving);
    const candidates = staying.length > 0 ? staying : list;
    const chosen = candidates.find(({ file }) => file === owners.get(identity)) ?? candidates[0];
    if (!chosen) continue;
    owners.set(identity, chosen.file);
    documents.push(chosen.document);
    for (const other of staying) if (other !== chosen) diagnostics.push(doubled(other.document, chosen.document));
  }
  for (const identity of owners.keys()) if (!claims.has(identity)) owners.delete(identity);
  return { documents, diagnostics };
}

/** Documents that stand twice in one file: the first counts. */
function repeated(reading: FileReading, given: ReadonlyMap<string, SourceDocument>): readonly Diagnostic[] {
  return reading.documents.flatMap((document) => {
    const first = given.get(document.identity);
    return first === undefined || first === document ? [] : [doubled(document, first)];
  });
}

function doubled(document: SourceDocument, first: SourceDocument): Diagnostic {
  const what = `${document.kind} ${document.namespace}/${document.name}`;
  return {
    severity: 'error',
    file: document.file,
    line: document.line,
    column: 1,
    message: `${what} stands also in ${first.file}:${first.line}, which is the one in force`,
    hint: 'remove one of them or give it another name',
  };
}
