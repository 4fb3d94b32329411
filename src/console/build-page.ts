/**
 * The page as static files: bundled once for each state of its source, and kept. Building takes about half a
 * second.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { build } from 'vite';

const pageFolder = join(import.meta.dirname, 'page');
const lockFile = join(import.meta.dirname, '..', '..', 'package-lock.json');
/** Pages, of this source and of the newest other one: whoever goes back and forth between two versions waits for neither. */
const kept = 2;
/** Nobody builds for so long. */
const abandonedMs = 3_600_000;

/** The folder with `index.html`, made first where it is not there. */
export async function builtPage(cacheFolder: string): Promise<string> {
  const shelf = join(cacheFolder, 'console');
  const folder = join(shelf, digestOfSources());
  if (existsSync(join(folder, 'index.html'))) return folder;
  mkdirSync(shelf, { recursive: true });
  const unfinished = `${folder}.${process.pid}`;
  const bundle = await bundler();
  await bundle.build({
    configFile: false,
    root: pageFolder,
    logLevel: 'warn',
    base: './',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: { outDir: unfinished, emptyOutDir: true, target: 'es2022', chunkSizeWarningLimit: 2_000 },
  });
  try {
    renameSync(unfinished, folder);
  } catch (error) {
    // Another process was faster; its result is the same.
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(join(folder, 'index.html'))) throw error;
  }
  forgetOlder(shelf, folder);
  return folder;
}

/** The packages of the page are optional: an installation may leave them out. */
async function bundler(): Promise<{ readonly build: typeof build }> {
  try {
    return await import('vite');
  } catch (error) {
    throw new Error('the packages of the console are not installed: run npm ci without --omit=optional', {
      cause: error,
    });
  }
}

/** What the result depends on: the sources and the versions of packages. */
function digestOfSources(): string {
  const digest = createHash('sha256');
  const files = readdirSync(pageFolder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
  for (const file of files)
    digest
      .update(`${file.slice(pageFolder.length)}\0`)
      .update(readFileSync(file))
      .update('\0');
  if (existsSync(lockFile)) digest.update(readFileSync(lockFile));
  return digest.digest('hex').slice(0, 16);
}

/** Pages of former sources, and what a process that was killed has left; not what another process is making now. */
function forgetOlder(shelf: string, newest: string): void {
  const madeAt = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const others = readdirSync(shelf)
    .map((name) => ({ name, path: join(shelf, name), at: madeAt(join(shelf, name)) }))
    .filter(({ path }) => path !== newest)
    .toSorted((one, other) => other.at - one.at);
  const finished = others.filter(({ name }) => !name.includes('.'));
  const abandoned = others.filter(({ name, at }) => name.includes('.') && at < madeAt(newest) - abandonedMs);
  for (const { path } of [...finished.slice(kept - 1), ...abandoned]) rmSync(path, { recursive: true, force: true });
}
