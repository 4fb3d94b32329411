/** Server-sent events (HTML Living Standard §9.2) that say what changed; a page asks anew for what it shows. */
import type { ServerResponse } from 'node:http';
import type { Change, ConsoleSource } from './console-source.ts';

/** Changes come in flocks: a page is told at most so often. */
const quietMs = 100;
/** A line now and then tells both ends that the connection lives. */
const keepAliveMs = 15_000;

/** What this needs of a reply: the connection itself. */
interface Hijackable {
  hijack(): unknown;
  readonly raw: ServerResponse;
}

/** Takes the connection over until the page closes it. `instance`: of this process, so that a page sees another one. */
export function followSource(reply: Hijackable, source: Pick<ConsoleSource, 'watch'>, instance: string): void {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  raw.write(`event: hello\ndata: ${instance}\n\n`);
  const pending = new Set<Change>();
  let timer: NodeJS.Timeout | undefined;
  const stop = source.watch((change) => {
    pending.add(change);
    timer ??= setTimeout(() => {
      timer = undefined;
      raw.write([...pending].map((each) => `event: ${each}\ndata: {}\n\n`).join(''));
      pending.clear();
    }, quietMs);
  });
  const alive = setInterval(() => raw.write(':\n\n'), keepAliveMs);
  raw.on('close', () => {
    stop();
    clearTimeout(timer);
    clearInterval(alive);
  });
}
