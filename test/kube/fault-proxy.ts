/** A door to a real API server that can be made to fail: cuts, half lines, silence, refusals, garbage. Speaks plain HTTP. */
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { kubeconfigOf, type ControlPlane } from './control-plane.ts';

/** What the next requests get instead of the API server's answer. */
export interface CannedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface FaultProxy {
  /** File that leads through the proxy. */
  readonly kubeconfig: string;
  /** Requests so far, as `GET /path?query`. */
  readonly seen: readonly string[];
  openWatches(): number;
  /** Breaks every open watch. */
  cutWatches(): void;
  /** The next piece of each open watch is cut in its middle, and the watch broken. */
  cutInNextLine(): void;
  /** From now on nothing passes on any watch, and nobody is told. */
  silence(on: boolean): void;
  /** The next requests that match are answered so. */
  answerNext(count: number, matches: RegExp, answer: CannedAnswer): void;
  /** Requests that match wait until they are let go; answers with what status each was then answered. */
  hold(matches: RegExp): { readonly held: number; release(): Promise<readonly number[]> };
  /** New connections are broken at once. */
  refuse(on: boolean): void;
  stop(): Promise<void>;
}

export async function startFaultProxy(plane: ControlPlane): Promise<FaultProxy> {
  const agent = new Agent({ ca: plane.ca, keepAlive: true });
  const seen: string[] = [];
  const watches = new Set<ServerResponse>();
  const sockets = new Set<Socket>();
  let canned: { left: number; readonly matches: RegExp; readonly answer: CannedAnswer }[] = [];
  const holds = new Set<{ readonly matches: RegExp; readonly waiting: (() => Promise<number>)[] }>();
  let silent = false;
  let refusing = false;
  let halving = new Set<ServerResponse>();

  const server = createServer((incoming, outgoing) => {
    const line = `${incoming.method ?? ''} ${incoming.url ?? ''}`;
    seen.push(line);
    const planned = canned.find(({ matches }) => matches.test(line));
    const hold = [...holds].find(({ matches }) => matches.test(line));
    if (hold !== undefined) {
      hold.waiting.push(async () => {
        const answered = new Promise<number>((resolve) => outgoing.once('close', () => resolve(outgoing.statusCode)));
        forward(incoming, outgoing);
        return await answered;
      });
      return undefined;
    }
    if (planned === undefined) return forward(incoming, outgoing);
    planned.left -= 1;
    canned = canned.filter(({ left }) => left > 0);
    incoming.resume();
    outgoing.writeHead(planned.answer.status, planned.answer.headers).end(planned.answer.body);
    return undefined;
  });
  server.on('connection', (socket) => {
    if (refusing) {
      socket.resetAndDestroy();
      return;
    }
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });

  function forward(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const isWatch = incoming.url?.includes('watch=true') === true;
    const { method, headers, url = '' } = incoming;
    const onward = request(
      `${plane.server}${url}`,
      { agent, ...(method === undefined ? {} : { method }), headers: { ...headers, host: new URL(plane.server).host } },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        outgoing.flushHeaders();
        if (isWatch) watches.add(outgoing);
        answer.on('data', (piece: Buffer) => {
          if (isWatch && silent) return;
          if (halving.delete(outgoing)) {
            outgoing.write(piece.subarray(0, Math.ceil(piece.length / 2)), () => outgoing.socket?.destroy());
          } else outgoing.write(piece);
        });
        answer.on('end', () => outgoing.end());
        answer.on('error', () => outgoing.socket?.destroy());
      },
    );
    onward.on('error', () => outgoing.socket?.destroy());
    outgoing.once('close', () => {
      watches.delete(outgoing);
      onward.destroy();
    });
    incoming.pipe(onward);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const kubeconfig = join(plane.folder, `through-proxy-${port}`);
  writeFileSync(kubeconfig, kubeconfigOf(`http://127.0.0.1:${port}`, undefined, plane.token));
  return {
    kubeconfig,
    seen,
    openWatches: () => watches.size,
    cutWatches: () => {
      for (const watch of watches) watch.socket?.resetAndDestroy();
    },
    cutInNextLine: () => {
      halving = new Set(watches);
    },
    silence: (on) => {
      silent = on;
    },
    answerNext: (count, matches, answer) => {
      canned.push({ left: count, matches, answer });
    },
    hold: (matches) => {
      const hold = { matches, waiting: [] as (() => Promise<number>)[] };
      holds.add(hold);
      return {
        get held() {
          return hold.waiting.length;
        },
        release: async () => {
          holds.delete(hold);
          return await Promise.all(hold.waiting.map((letGo) => letGo()));
        },
      };
    },
    refuse: (on) => {
      refusing = on;
      if (on) for (const socket of sockets) socket.resetAndDestroy();
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      agent.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
