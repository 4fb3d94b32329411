/** The files a command works on: a folder with everything in it, or files named one by one. */
import { statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { errorMessage } from '../failures/error-message.ts';
import { isResourceFile, listFolder } from '../local/folder.ts';

export interface SourceFiles {
  /** Files of code may stand in here and nowhere else. */
  readonly root: string;
  /** Relative to `root`. */
  readonly files: readonly string[];
  /** How a file of `root` is printed: as the user named it. */
  print(name: string): string;
}

/** Groups the paths by folder; a text: a path that cannot be used, and why. */
export async function findSourceFiles(paths: readonly string[]): Promise<readonly SourceFiles[] | string> {
  const found: SourceFiles[] = [];
  for (const path of paths.length === 0 ? ['.'] : paths) {
    let stats;
    try {
      stats = statSync(path, { throwIfNoEntry: false });
    } catch (error) {
      return `${path} cannot be read: ${errorMessage(error)}`;
    }
    if (stats === undefined) return `there is no file or folder ${path}`;
    if (stats.isDirectory()) {
      const listing = await listFolder(resolve(path));
      const prefix = path === '.' ? '' : `${path.replace(/\/+$/, '')}/`;
      const [unread] = listing?.unread ?? [];
      if (unread !== undefined) return `${prefix}${unread.folder}: ${unread.message}`;
      found.push({ root: resolve(path), files: listing?.files ?? [], print: (name) => `${prefix}${name}` });
    } else if (!isResourceFile(basename(path))) {
      return `${path} is no YAML file: name the one (.yaml or .yml) that refers to it, or the folder`;
    } else {
      const folder = dirname(path);
      const prefix = folder === '.' && !path.startsWith('./') ? '' : `${folder}/`;
      found.push({ root: resolve(folder), files: [basename(path)], print: (name) => `${prefix}${name}` });
    }
  }
  return found;
}
