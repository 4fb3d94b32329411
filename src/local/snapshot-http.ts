/** `POST /store/snapshot`: the store of a run as a new file, told about in lines while it is made. */
import { isAbsolute } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { StoreRefused } from '../store/store-refused.ts';
import { problemReply } from './answer-http.ts';
import type { LocalView } from './local-api.ts';

/** At most so many lines a second. */
const tellEveryMs = 100;

/** Adds the route to a context whose hooks have checked who asks. */
export function registerSnapshot(api: FastifyInstance, view: LocalView): void {
  api.post<{ Body: unknown }>('/store/snapshot', async ({ body }, reply) => {
    const path = (body as { readonly path?: unknown } | null)?.path;
    if (typeof path !== 'string' || !isAbsolute(path)) {
      return problemReply(reply, 400, 'path must be the whole path of a new file');
    }
    if (view.snapshot === undefined) {
      return problemReply(reply, 400, 'the store of this run is no file: copy PostgreSQL from its URL');
    }
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
    let told = 0;
    const say = (line: unknown): void => void raw.write(`${JSON.stringify(line)}\n`);
    try {
      await view.snapshot(path, (pages, total) => {
        const now = view.now();
        if (now - told < tellEveryMs) return;
        told = now;
        say({ pages, total });
      });
      say({ done: true });
    } catch (error) {
      say({ error: error instanceof Error ? error.message : String(error), refused: error instanceof StoreRefused });
    }
    raw.end();
    return reply;
  });
}
