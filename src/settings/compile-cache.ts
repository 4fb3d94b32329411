/** What Node compiles of our modules is kept between starts, for every thread of the process. */
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { cacheFolder } from './cache-folder.ts';

/**
 * Turns Node's compile cache on, here and (through the environment, which is all that a thread is told before its first
 * module) in each thread that starts later. Without it a thread strips types and compiles for half a second of processor
 * time, with a WebAssembly stripper of its own in memory.
 */
export function keepCompiledCode(environment: NodeJS.ProcessEnv = process.env): void {
  const folder = join(cacheFolder, 'code');
  enableCompileCache(folder);
  environment['NODE_COMPILE_CACHE'] ||= folder;
}
