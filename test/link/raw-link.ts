/** A link spoken by hand: what a stranger, or a runtime that was taken over, could send. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { type ClientOptions, WebSocket } from 'ws';
import { linkPath, subprotocolsOf } from '../../src/link/protocol.ts';
import { serverName, testAuthority, until, type TestPod } from './cluster.ts';

export interface RawLink {
  /** `open`, or the status and text of the refusal. */
  readonly outcome: string;
  readonly socket: WebSocket;
  /** What the controller sent, parsed. */
  readonly received: readonly Readonly<Record<string, unknown>>[];
  send(message: unknown): void;
  /** The code it was closed with; waits for it. */
  closed(): Promise<string>;
}

export async function openRaw(
  port: number,
  token: string,
  options: {
    readonly origin?: string;
    readonly protocols?: readonly string[];
    readonly path?: string;
    /** PEM, and the name in the controller's certificate; absent: those of the tests without a cluster. */
    readonly authority?: string;
    readonly serverName?: string;
  } = {},
): Promise<RawLink> {
  const connecting: ClientOptions & ConnectionOptions = {
    ca: options.authority ?? (await testAuthority()).certificate,
    servername: options.serverName ?? serverName,
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: true,
    ...(options.origin === undefined ? {} : { origin: options.origin }),
  };
  const protocols = [...(options.protocols ?? subprotocolsOf(1))];
  const socket = new WebSocket(`wss://127.0.0.1:${port}${options.path ?? linkPath}`, protocols, connecting);
  const received: Readonly<Record<string, unknown>>[] = [];
  let closing: string | undefined;
  socket.on('message', (data: Buffer) => received.push(JSON.parse(data.toString()) as Record<string, unknown>));
  socket.on('close', (code, reason) => (closing = `${code} ${reason.toString()}`));
  const outcome = await new Promise<string>((resolve) => {
    socket.once('open', () => resolve('open'));
    socket.on('error', (error) => resolve(error.message));
    socket.once('unexpected-response', (_request, response) => {
      let text = `${response.statusCode} `;
      response.on('data', (bytes: Buffer) => (text += bytes.toString()));
      response.on('close', () => resolve(text.trim()));
    });
  });
  return {
    outcome,
    socket,
    received,
    send: (message) => socket.send(JSON.stringify(message)),
    async closed() {
      await until('the link is closed', () => closing !== undefined);
      return closing as string;
    },
  };
}

export const hello = (pod: TestPod, parts: Readonly<Record<string, unknown>> = {}): unknown => ({
  kind: 'hello',
  runtime: 'raw',
  podName: pod.name,
  podUid: pod.uid,
  group: 'default',
  ...parts,
});

/** A TCP proxy that can fall silent without closing anything: what a lost node looks like. */
export async function silentProxy(
  target: number,
): Promise<{ readonly port: number; silence(): void; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((inner) => {
    const outer = connect(target, '127.0.0.1');
    for (const socket of [inner, outer]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    inner.on('data', (bytes) => outer.write(bytes));
    outer.on('data', (bytes) => inner.write(bytes));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    silence() {
      for (const socket of sockets) socket.removeAllListeners('data').pause();
      server.removeAllListeners('connection');
      server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)));
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
