/** Writes a file of the folder whole or not at all. */
import { realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** `path` is known to stay in the folder; `id` makes the name of the unfinished file. */
export async function replaceFile(path: string, text: string, id: string): Promise<void> {
  const target = await realpath(path);
  // Hidden files are no resources.
  const draft = join(dirname(target), `.moonhook-${id}`);
  try {
    await writeFile(draft, text, { flag: 'wx', mode: (await stat(target)).mode & 0o777 });
    await rename(draft, target);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
