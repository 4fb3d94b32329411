/** A subscriber on loopback that remembers every request and answers, or misbehaves, by path. */
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface ReceivedWebhook {
  readonly path: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Monotonic milliseconds. */
  readonly at: number;
}

/** Answers one request; `count` is 1 for the first of its path. */
export type Behaviour = (response: ServerResponse, received: ReceivedWebhook, count: number) => void;

export interface WebhookReceiver {
  readonly url: string;
  readonly received: readonly ReceivedWebhook[];
  /** How requests to a path are answered from now on; the default is 204. */
  on(path: string, behaviour: Behaviour): void;
  /** Resolves with the requests of a path once there are so many. */
  count(path: string, wanted: number): Promise<readonly ReceivedWebhook[]>;
  close(): Promise<void>;
}

export const answer =
  (status: number, headers: Readonly<Record<string, string>> = {}, body = ''): Behaviour =>
  (response) => {
    response.writeHead(status, headers).end(body);
  };

/** Misbehaviours of real receivers. */
export const hostile = {
  /** Takes the request and never answers. */
  stall: (() => undefined) as Behaviour,
  reset: ((response) => {
    (response.socket as Socket).resetAndDestroy();
  }) as Behaviour,
  /** Half of what it announces, then the end of the connection. */
  half: ((response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('half', () => response.destroy());
  }) as Behaviour,
  /** Begins an answer and goes on for ever, a byte now and then. */
  drip: ((response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write('.'), 50);
    response.on('close', () => clearInterval(timer));
  }) as Behaviour,
  /** A body without end, as fast as it is taken. */
  flood: ((response) => {
    response.writeHead(500, { 'content-type': 'text/plain' });
    const piece = Buffer.alloc(64 * 1024, 'x');
    const more = (): void => {
      while (!response.destroyed && response.write(piece));
    };
    response.on('drain', more).on('error', () => undefined);
    more();
  }) as Behaviour,
} as const;

export async function startReceiver(): Promise<WebhookReceiver> {
  const received: ReceivedWebhook[] = [];
  const behaviours = new Map<string, Behaviour>();
  const waiting = new Set<() => void>();
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => {
      const path = request.url ?? '/';
      const { method = '', headers } = request;
      const webhook = { path, method, headers, body: Buffer.concat(chunks).toString(), at: performance.now() };
      received.push(webhook);
      const count = received.filter((each) => each.path === path).length;
      const behaviour = behaviours.get(path) ?? answer(204);
      behaviour(response, webhook, count);
      for (const wake of waiting) wake();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    on: (path, behaviour) => void behaviours.set(path, behaviour),
    async count(path, wanted) {
      for (;;) {
        const found = received.filter((each) => each.path === path);
        if (found.length >= wanted) return found;
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        const late = setTimeout(
          () => reject(new Error(`${found.length} of ${wanted} requests to ${path} within 20 s`)),
          20_000,
        );
        waiting.add(resolve);
        await promise.finally(() => {
          clearTimeout(late);
          waiting.delete(resolve);
        });
      }
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
