/** The metered binary as a running program gets it: from the cache of an earlier start, or rewritten in a thread that ends. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

/** SHA-256 in front of the cached bytes: half a file is no file. */
const digestBytes = 32;

/**
 * Compiles the metered binary. `cacheFolder` must be as safe from others as the program's own files: what lies there runs.
 * A cache that cannot be read or written costs the 0.4 s of rewriting, nothing else.
 */
export async function meteredLua(cacheFolder: string): Promise<WebAssembly.Module> {
  const file = join(cacheFolder, `lua-${await inputDigest()}.wasm`);
  const cached = await readCached(file);
  if (cached !== undefined) return await WebAssembly.compile(cached);
  const bytes = await rewriteInThread();
  await writeCached(cacheFolder, file, bytes);
  return await WebAssembly.compile(bytes);
}

/** Of everything the result follows from. */
async function inputDigest(): Promise<string> {
  const { resolve } = createRequire(import.meta.url);
  const inputs = [resolve('wasmoon/dist/glue.wasm'), resolve('wabt')];
  const sources = ['metering.ts', 'metering-functions.ts', 'metering-memory.ts', 'layout.ts'].map((name) =>
    join(import.meta.dirname, name),
  );
  const hash = createHash('sha256');
  for (const name of [...inputs, ...sources]) hash.update(await readFile(name));
  return hash.digest('hex').slice(0, 32);
}

async function readCached(file: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const content = await readFile(file).catch(() => undefined);
  if (content === undefined) return undefined;
  const bytes = Uint8Array.from(content.subarray(digestBytes));
  return digestOf(bytes).equals(content.subarray(0, digestBytes)) ? bytes : undefined;
}

async function writeCached(folder: string, file: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${file}.${process.pid}`;
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(temporary, Buffer.concat([digestOf(bytes), bytes]), { mode: 0o600 });
    await rename(temporary, file);
  } catch {
    // A read-only installation: every start rewrites.
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

function rewriteInThread(): Promise<Uint8Array<ArrayBuffer>> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL('./metering-thread.ts', import.meta.url), { name: 'metering' });
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', (code) => reject(new Error(`the thread that meters Lua ended with code ${code}`)));
  });
}
