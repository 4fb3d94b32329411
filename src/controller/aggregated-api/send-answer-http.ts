/** Writes an answer as its reader asked for it: the object or list itself, a table of it, or the lines of a watch. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Answered, ApiObject, WatchEvent } from './handler.ts';
import { tableOf, wantsTable } from './tables.ts';

export interface Sending {
  /** Milliseconds since the epoch. */
  wall(): number;
  /** Ends when the client goes. */
  readonly signal: AbortSignal;
  /** A watch ended before its time. */
  onBroken(error: unknown): void;
}

export function sendAnswer(
  request: FastifyRequest,
  reply: FastifyReply,
  said: Answered & { readonly resource: string },
  sending: Sending,
): FastifyReply {
  const { includeObject = 'Metadata' } = request.query as { readonly includeObject?: string };
  const asTable = (items: readonly ApiObject[], metadata = {}): unknown =>
    tableOf(said.resource, items, metadata, { now: sending.wall(), include: includeObject });
  const table = wantsTable(request.headers.accept ?? '');
  void reply.header('cache-control', 'no-store').type('application/json');
  if (said.kind === 'list') {
    const { items, metadata } = said.list;
    return reply.send(JSON.stringify(table ? asTable(items, metadata) : said.list));
  }
  if (said.kind === 'object') {
    const { object, status = 200 } = said;
    // What is done, and subresources, have no rows.
    const shown = table && isObject(object) ? asTable([object]) : object;
    return reply.code(status).send(JSON.stringify(shown));
  }
  reply.hijack();
  const line = ({ type, object }: WatchEvent): string => {
    const rows = table && type !== 'BOOKMARK' && type !== 'ERROR' && isObject(object);
    return `${JSON.stringify({ type, object: rows ? asTable([object]) : object })}\n`;
  };
  void writeLines(reply.raw, said.events, line, sending);
  return reply;
}

async function writeLines(
  raw: FastifyReply['raw'],
  events: AsyncIterable<WatchEvent>,
  line: (event: WatchEvent) => string,
  { signal, onBroken }: Sending,
): Promise<void> {
  raw.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  raw.flushHeaders();
  try {
    for await (const event of events) {
      if (signal.aborted) return;
      if (!raw.write(line(event))) await drained(raw, signal);
    }
  } catch (error) {
    onBroken(error);
  } finally {
    raw.end();
  }
}

function isObject(object: object): object is ApiObject {
  const { metadata } = object as { readonly metadata?: { readonly name?: unknown } };
  return typeof metadata?.name === 'string';
}

function drained(raw: FastifyReply['raw'], signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    raw.once('drain', resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
