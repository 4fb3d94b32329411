/** `POST /store/snapshot`: the store of a run as a new file, told about in lines while it is made. */
import { chmodSync, rmSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fastify, type FastifyInstance, type FastifyReply } from 'fastify';
import { errorMessage } from '../failures/error-message.ts';
import { toProblem } from '../failures/problem.ts';
import type { OpenStore } from '../store/open-store.ts';
import { StoreRefused } from '../store/store-refused.ts';

export interface SnapshotSource {
  readonly snapshot?: OpenStore['snapshot'];
  /** Milliseconds. */
  now(): number;
}

/** Beside `store.db`. */
export const snapshotSocket = 'store.sock';

/** Between two lines. */
const tellEveryMs = 100;

/**
 * Answers on a socket beside the store: whoever may write into its directory may have a copy of it. Functions reach no socket
 * of the file system.
 */
export async function openSnapshotSocket(path: string, source: SnapshotSource): Promise<{ close(): Promise<void> }> {
  const app = fastify({ logger: false, forceCloseConnections: true, bodyLimit: 16_384 });
  registerSnapshot(app, source);
  // What a process that was killed has left.
  rmSync(path, { force: true });
  await app.listen({ path });
  chmodSync(path, 0o600);
  return { close: () => app.close() };
}

/** Adds the route to a context whose hooks have checked who asks. */
export function registerSnapshot(api: FastifyInstance, source: SnapshotSource): void {
  api.post<{ Body: unknown }>('/store/snapshot', async ({ body }, reply) => {
    const path = (body as { readonly path?: unknown } | null)?.path;
    if (typeof path !== 'string' || !isAbsolute(path)) {
      return refuse(reply, 'path must be the whole path of a new file');
    }
    if (source.snapshot === undefined) {
      return refuse(reply, 'the store of this run is no file: copy PostgreSQL from its URL');
    }
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    let told = 0;
    let gone = false;
    raw.once('close', () => (gone = !raw.writableFinished));
    const say = (line: unknown): void => void raw.write(`${JSON.stringify(line)}\n`);
    try {
      await source.snapshot(path, (pages, total) => {
        const now = source.now();
        if (now - told < tellEveryMs) return;
        told = now;
        say({ pages, total });
      });
      // Whoever asked checks it; nobody will.
      if (gone) rmSync(path, { force: true });
      say({ done: true });
    } catch (error) {
      say({ error: errorMessage(error), refused: error instanceof StoreRefused });
    }
    raw.end();
    return reply;
  });
}

function refuse(reply: FastifyReply, detail: string): FastifyReply {
  const problem = toProblem('RequestInvalid', detail);
  return reply.code(problem.status).type('application/problem+json').send(problem);
}
