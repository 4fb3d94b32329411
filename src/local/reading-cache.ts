/**
 * What the files of a folder said when they were last read, kept between starts: reading ten thousand documents is most of
 * one. A file is known again by its name, its whole text and the program that read it. A file that holds anything but
 * functions and subscriptions, or of which there is anything to say, is read anew each time.
 */
import { hash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { WebhookSubscription } from '../function/subscription-types.ts';
import type { WebhookFunction } from '../function/types.ts';
import type { CodeOrigin } from '../routing/types.ts';
import type { NamedFile } from './code-files.ts';
import type { FieldPath } from './document-places.ts';
import { LaterPlaces, withoutMark } from './parse-yaml.ts';
import type { FileReading, ResourceDocument } from './source-documents.ts';

export interface ReadingCache {
  /** What the file said in an earlier run. */
  find(file: string, text: string): FileReading | undefined;
  /** Remembers a reading until `save`. */
  keep(file: string, text: string, reading: FileReading): void;
  /** Writes what was found and kept, if anything is new, and forgets it: for the end of a start. */
  save(): void;
}

/** One document as it is kept. */
interface KeptDocument {
  readonly kind: ResourceDocument['kind'];
  readonly namespace: string;
  readonly name: string;
  readonly line: number;
  readonly resource: unknown;
  /** Of code and modules, or of expressions. */
  readonly origins: readonly (readonly [string, CodeOrigin])[];
  readonly codeFiles: readonly NamedFile[];
  readonly prefix: FieldPath;
  readonly begin: number;
  readonly end: number;
  readonly firstLine: number;
}

/** A line: digest of name and text, a blank, digest of what follows, a blank, the documents as JSON. */
const digestLength = 64;
const jsonAt = 2 * digestLength + 2;

/** `path` lies in the data directory, which only its owner reads and writes. What cannot be used there costs time only. */
export function openReadingCache(path: string): ReadingCache {
  const program = programDigest();
  let known = readLines(path, program);
  const count = known.size;
  let lines = new Map<string, () => string>();
  let open = true;

  return {
    find(file, text) {
      if (known.size === 0) return undefined;
      const key = keyOf(file, text);
      const line = known.get(key);
      if (line === undefined) return undefined;
      const json = line.slice(jsonAt);
      if (sha256(json) !== line.slice(digestLength + 1, jsonAt - 1)) return undefined;
      lines.set(key, () => line);
      const documents = (JSON.parse(json) as readonly KeptDocument[]).map((kept) => restore(kept, file, text));
      return { documents, broken: [], brokenConfiguration: [], codeOfBroken: [], unreadable: false, diagnostics: [] };
    },
    keep(file, text, reading) {
      const documents = open ? keepable(reading) : undefined;
      if (documents === undefined) return;
      const key = keyOf(file, text);
      lines.set(key, () => {
        const json = JSON.stringify(documents.map(reduce));
        return `${key} ${sha256(json)} ${json}`;
      });
    },
    save() {
      const same = lines.size === count && [...lines.keys()].every((key) => known.has(key));
      if (open && !same) writePrivately(path, [program, ...[...lines.values()].map((line) => line())].join('\n'));
      open = false;
      known = new Map();
      lines = new Map();
    },
  };
}

function sha256(text: string): string {
  return hash('sha256', text);
}

function keyOf(file: string, text: string): string {
  return sha256(`${file}\n${text}`);
}

/** Undefined: there is something to say about the file, or it holds what may be secret. */
function keepable({
  documents,
  broken,
  unreadable,
  diagnostics,
}: FileReading): readonly ResourceDocument[] | undefined {
  if (unreadable || broken.length > 0 || diagnostics.length > 0) return undefined;
  const own = documents.filter(({ kind }) => kind === 'WebhookFunction' || kind === 'WebhookSubscription');
  return own.length === documents.length ? (own as readonly ResourceDocument[]) : undefined;
}

function reduce(document: ResourceDocument): KeptDocument {
  const { kind, namespace, name, line, resource, prefix, places } = document;
  const isFunction = kind === 'WebhookFunction';
  const origins = isFunction ? document.codeOrigins : document.expressionOrigins;
  return {
    kind,
    namespace,
    name,
    line,
    resource,
    origins: [...origins],
    codeFiles: isFunction ? document.codeFiles : [],
    prefix,
    begin: places.begin,
    end: places.end,
    firstLine: places.firstLine,
  };
}

function restore(kept: KeptDocument, file: string, text: string): ResourceDocument {
  const { kind, namespace, name, line, resource, prefix, begin, end, firstLine } = kept;
  const origins = new Map(kept.origins);
  const places = new LaterPlaces(file, withoutMark(text), begin, end, firstLine);
  const base = { namespace, name, identity: `${kind}/${namespace}/${name}`, file, line, places, prefix };
  return kind === 'WebhookFunction'
    ? { ...base, kind, resource: resource as WebhookFunction, codeOrigins: origins, codeFiles: kept.codeFiles }
    : { ...base, kind, resource: resource as WebhookSubscription, expressionOrigins: origins };
}

function readLines(path: string, program: string): Map<string, string> {
  const lines = new Map<string, string>();
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    // The first start, or one whose directory cannot be read: everything is read anew.
    return lines;
  }
  const [first, ...rest] = text.split('\n');
  if (first !== program) return lines;
  for (const line of rest) lines.set(line.slice(0, digestLength), line);
  return lines;
}

function writePrivately(path: string, text: string): void {
  const temporary = `${path}.new`;
  try {
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, path);
  } catch {
    // A full disk: the next start reads everything anew.
    rmSync(temporary, { force: true });
  }
}

/** Folders of the program that decide what a file says. */
const deciding = ['failures', 'function', 'receivers', 'triggers', 'policy', 'routing', 'local'];

/** Of everything a reading follows from besides the file: an update or an edit of the program makes all readings unknown. */
function programDigest(): string {
  const { resolve } = createRequire(import.meta.url);
  const source = dirname(import.meta.dirname);
  const files = deciding.flatMap((folder) =>
    readdirSync(join(source, folder))
      .filter((name) => /(?<!\.test)\.[jt]s$/.test(name))
      .map((name) => join(source, folder, name)),
  );
  const packages = ['yaml/package.json', 'ajv/package.json'].map((name) => resolve(name));
  const digests = [...packages, ...files].map((file) => sha256(readFileSync(file, 'utf8')));
  return sha256([process.version, ...digests].join('\n'));
}
