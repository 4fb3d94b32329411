/** What the files of a folder give together: each resource in the last valid form of its document, from one file. */
import { compareTexts } from '../function/compare-texts.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { FileContent } from './folder.ts';
import type { FileReading, SourceDocument } from './source-documents.ts';

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
  for (const document of reading.brokenConfiguration)
    if (!given.has(document.identity)) given.set(document.identity, document);
  return { content, reading, given, leaving };
}

interface Claim {
  readonly file: string;
  readonly document: SourceDocument;
  readonly leaving: boolean;
}

/** All files together, kept up file by file: a change costs what it touches, not what is there. */
export class CombinedFiles {
  /** By identity; nearly always one. */
  readonly #claims = new Map<string, readonly Claim[]>();
  /** File that gives each identity. */
  readonly #owners = new Map<string, string>();
  readonly #documents = new Map<string, SourceDocument>();
  /** Only those that are not empty: of files by name, of identities that several files claim. */
  readonly #ofFiles = new Map<string, readonly Diagnostic[]>();
  readonly #ofIdentities = new Map<string, readonly Diagnostic[]>();

  /** By identity. */
  get documents(): ReadonlyMap<string, SourceDocument> {
    return this.#documents;
  }

  get diagnostics(): readonly Diagnostic[] {
    return [...this.#ofFiles.values(), ...this.#ofIdentities.values()].flat();
  }

  /** Takes what a file gives now; undefined: the file is gone. */
  set(file: string, before: FileState | undefined, state: FileState | undefined): void {
    const own =
      state === undefined
        ? []
        : [...state.reading.diagnostics, ...retained(state), ...repeated(state.reading, state.given)];
    if (own.length === 0) this.#ofFiles.delete(file);
    else this.#ofFiles.set(file, own);
    const touched = new Set([...(before?.given.keys() ?? []), ...(state?.given.keys() ?? [])]);
    for (const identity of touched) {
      const others = (this.#claims.get(identity) ?? []).filter((claim) => claim.file !== file);
      const document = state?.given.get(identity);
      const own = document && { file, document, leaving: state?.leaving.has(identity) ?? false };
      const claims = own === undefined ? others : others.length === 0 ? [own] : [...others, own];
      this.#claims.set(identity, claims);
      this.#choose(identity, claims);
    }
  }

  /** One document per identity: of two, the one already in force stays, else the first by file name. */
  #choose(identity: string, claims: readonly Claim[]): void {
    this.#ofIdentities.delete(identity);
    const sorted = claims.toSorted((a, b) => compareTexts(a.file, b.file));
    const staying = sorted.filter(({ leaving }) => !leaving);
    const candidates = staying.length > 0 ? staying : sorted;
    const chosen = candidates.find(({ file }) => file === this.#owners.get(identity)) ?? candidates[0];
    if (chosen === undefined) {
      this.#claims.delete(identity);
      this.#owners.delete(identity);
      this.#documents.delete(identity);
      return;
    }
    const { file, document } = chosen;
    this.#owners.set(identity, file);
    this.#documents.set(identity, document);
    const others = staying.filter((claim) => claim !== chosen).map((claim) => doubled(claim.document, document));
    if (others.length > 0) this.#ofIdentities.set(identity, others);
  }
}

/** What a file still gives although it does not say it any more: said beside its first error. */
function retained({ reading, given, leaving }: FileState): readonly Diagnostic[] {
  const read = new Set(reading.documents.map(({ identity }) => identity));
  const kept = [...given.values()].filter(
    (document) => !read.has(document.identity) && !leaving.has(document.identity) && !('hasErrors' in document),
  );
  const error = reading.diagnostics.find(({ severity }) => severity === 'error');
  if (error === undefined || kept.length === 0) return [];
  const { file, line, column } = error;
  const names = kept.map(({ namespace, name }) => `${namespace}/${name}`).join(', ');
  return [
    {
      severity: 'note',
      file,
      ...(line === undefined ? {} : { line }),
      ...(column === undefined ? {} : { column }),
      message: `${names}: the last valid form stays in force`,
    },
  ];
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
