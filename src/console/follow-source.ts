/** Server-sent events (HTML Living Standard §9.2) that say when something changed; a page asks anew for what it shows. */
import type { ServerResponse } from 'node:http';
import type { ConsoleSource } from './console-source.ts';

/** Changes come in flocks: a page is told at most so often. */
const quietMs = 100;
/** A line now and then tells both ends that the connection lives. */
const keepAliveMs = 15_000;

/** What this needs of a reply: the connection itself. */
interface Hijackable {
  hijack(): unknown;
  readonly raw: ServerResponse;
}

/** Takes the connection over until the page closes it. */
export function followSource(reply: Hijackable, source: Pick<ConsoleSource, 'watch'>): void {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  raw.write('event: hello\ndata: {}\n\n');
  let pending: NodeJS.Timeout | undefined;
  const stop = source.watch(() => {
    pending ??= setTimeout(() => {
      pending = undefined;
      raw.write('event: functions\ndata: {}\n\n');
    }, quietMs);
  });
  const alive = setInterval(() => raw.write(':\n\n'), keepAliveMs);
  raw.on('close', () => {
    stop();
    clearTimeout(pending);
    clearInterval(alive);
  });
}
