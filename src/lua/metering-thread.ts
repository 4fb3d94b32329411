/** Rewrites the binary in a thread of its own, which gives back at its end the memory that took. */
import { parentPort } from 'node:worker_threads';
import { readLua, rewriteLua } from './metering.ts';

const bytes = await rewriteLua(await readLua());
parentPort?.postMessage(bytes, [bytes.buffer]);
