/** Reads the files of one folder and nothing outside it, whatever links and `..` say. */
import { lstat, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { errorMessage } from '../failures/error-message.ts';
import { maxFileBytes } from './parse-yaml.ts';

export interface FolderListing {
  /** Names of YAML files relative to the folder, with forward slashes, sorted. */
  readonly files: readonly string[];
  /** Folders in it, itself as the empty name. */
  readonly folders: readonly string[];
  /** Folders in it that cannot be read, or not whole; the message completes `NAME: …`. */
  readonly unread: readonly UnreadFolder[];
}

export interface UnreadFolder {
  readonly folder: string;
  readonly message: string;
}

export type FileContent =
  | { readonly kind: 'text'; readonly text: string }
  /** `link`: the name is there and leads to nothing. */
  | { readonly kind: 'missing'; readonly link?: true }
  /** It is there but cannot be used; the message completes `NAME: …`. */
  | { readonly kind: 'refused'; readonly message: string };

/** Entries the source of resources and its watch never look at: hidden ones and installed packages. */
export function isIgnored(name: string): boolean {
  return name.split('/').some((segment) => (segment.startsWith('.') && segment !== '.') || segment === 'node_modules');
}

/** True for the files that hold resources. */
export function isResourceFile(name: string): boolean {
  return /\.ya?ml$/i.test(name) && !isIgnored(name);
}

const maxFiles = 100_000;

/** Lists a folder (or one below it); undefined: it is not there. Linked folders are not entered. */
export async function listFolder(root: string, below = ''): Promise<FolderListing | undefined> {
  const files: string[] = [];
  const folders: string[] = [];
  const unread: UnreadFolder[] = [];
  const open = [below];
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    let entries;
    try {
      entries = await readdir(join(root, folder), { withFileTypes: true });
    } catch (error) {
      if (folder === below && isAbsent(error)) return undefined;
      if (!isAbsent(error)) unread.push({ folder, message: `what is in it is not served: ${explainError(error)}` });
      continue;
    }
    folders.push(folder);
    for (const entry of entries) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (isIgnored(entry.name)) continue;
      if (entry.isDirectory()) open.push(name);
      else if (isResourceFile(name)) files.push(name);
    }
  }
  if (files.length > maxFiles) {
    files.length = maxFiles;
    unread.push({ folder: below, message: `it holds more than ${maxFiles} YAML files: the others are not served` });
  }
  return { files: files.sort(), folders, unread };
}

/** Reads a text of the folder as UTF-8. `name` is relative to the folder, with forward slashes. */
export async function readInside(root: string, name: string): Promise<FileContent> {
  const wanted = resolve(root, name);
  if (!isBelow(resolve(root), wanted)) return { kind: 'refused', message: 'it is outside the folder' };
  try {
    const [realRoot, real] = await Promise.all([realpath(root), realpath(wanted)]);
    if (!isBelow(realRoot, real)) return { kind: 'refused', message: 'it is a link that leads outside the folder' };
    const stats = await stat(real);
    if (!stats.isFile()) return { kind: 'refused', message: 'it is not a file' };
    if (stats.size > maxFileBytes) {
      return { kind: 'refused', message: `it is larger than ${maxFileBytes / 1024 / 1024} MiB` };
    }
    return {
      kind: 'text',
      text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(real)),
    };
  } catch (error) {
    if (isAbsent(error)) return (await isLink(wanted)) ? { kind: 'missing', link: true } : { kind: 'missing' };
    if (error instanceof TypeError) return { kind: 'refused', message: 'it is not text in UTF-8' };
    return { kind: 'refused', message: explainError(error) };
  }
}

const explained: ReadonlyMap<unknown, string> = new Map([
  ['EACCES', 'this user may not read it: give it the right to'],
  ['ELOOP', 'it is a link that leads back to itself: remove it'],
]);

function explainError(error: unknown): string {
  const known = error instanceof Error && 'code' in error ? explained.get(error.code) : undefined;
  return known ?? errorMessage(error);
}

async function isLink(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isSymbolicLink() === true;
}

/** A stamp that changes when the file is written; undefined: it is not there. */
export async function stampOf(root: string, name: string): Promise<string | undefined> {
  try {
    const { mtimeMs, size, ino } = await stat(join(root, name));
    return `${mtimeMs}:${size}:${ino}`;
  } catch {
    return undefined;
  }
}

function isBelow(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
