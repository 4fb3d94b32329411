/** Accepts links: TLS, one path, no browsers, nobody without a proof; hands each accepted socket on. */
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { chooseSubprotocol, linkPath, subprotocolsOf, versionOf, type LinkLimits } from './protocol.ts';

/** PEM. */
export interface ServingCertificate {
  readonly certificate: string;
  readonly key: string;
}

export type Admission<Who> =
  | { readonly ok: true; readonly who: Who }
  | { readonly ok: false; readonly status: 401 | 403 | 503; readonly reason: string };

export interface PeerServerOptions<Who> {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly certificate: ServingCertificate;
  readonly limits: LinkLimits;
  /** Newest protocol version this program speaks. */
  readonly newest: number;
  /** Judges the proof. It must not reject. */
  admit(token: string): Promise<Admission<Who>>;
  onPeer(socket: WebSocket, who: Who, token: string, version: number): void;
  /** Somebody was refused: for log and metric. */
  onRefused(status: number, reason: string): void;
}

export interface PeerServer {
  readonly port: number;
  /** New connections get it; open links stay. */
  setCertificate(certificate: ServingCertificate): void;
  /** Accepts nothing more. Links that are open are closed by their owner. */
  close(): Promise<void>;
}

/** Proofs under review at once; whoever comes then tries again later. */
const admissionsInFlight = 64;
const handshakeMs = 5_000;
const longestToken = 16 * 1024;

export async function servePeers<Who>(options: PeerServerOptions<Who>): Promise<PeerServer> {
  const { limits, newest } = options;
  const sockets = new Set<Duplex>();
  let admitting = 0;
  const upgrader = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.upBytes,
    // One message a turn of the loop: a runtime that says of ten thousand functions what it holds holds up no edit.
    allowSynchronousEvents: false,
    handleProtocols: (offered) => chooseSubprotocol(offered, newest) ?? false,
  });
  const server = createServer(
    {
      ...secrets(options.certificate),
      minVersion: 'TLSv1.3',
      handshakeTimeout: handshakeMs,
      headersTimeout: handshakeMs,
      requestTimeout: handshakeMs,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: 2 * longestToken,
    },
    (_request, response) => {
      response.writeHead(426, { connection: 'close', upgrade: 'websocket' }).end();
    },
  );
  server.maxConnections = 4_096;
  server.on('connection', (socket: Duplex) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  // Handshakes that fail are the other side's matter, and nobody's log.
  server.on('tlsClientError', (_error, socket) => socket.destroy());

  const refuse = (socket: Duplex, status: number, reason: string): void => {
    options.onRefused(status, reason);
    const body = `${reason}\n`;
    socket.end(
      `HTTP/1.1 ${status} ${titles[status] ?? 'Refused'}\r\ncontent-type: text/plain; charset=utf-8\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      () => socket.destroy(),
    );
  };

  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    socket.on('error', () => socket.destroy());
    const { headers, url } = request;
    if (url !== linkPath) return refuse(socket, 404, `the link is at ${linkPath}`);
    if (headers.origin !== undefined) return refuse(socket, 403, 'no link for web pages (Origin)');
    const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((each) => each.trim());
    const chosen = chooseSubprotocol(offered, newest);
    if (chosen === undefined) {
      return refuse(
        socket,
        400,
        `this controller speaks ${subprotocolsOf(newest).join(' and ')}: upgrade the older side`,
      );
    }
    const token = /^Bearer ([\w.~+/=-]+)$/i.exec(headers.authorization ?? '')?.[1];
    if (token === undefined || token.length > longestToken) return refuse(socket, 401, 'a bearer token is needed');
    if (admitting >= admissionsInFlight) return refuse(socket, 503, 'too many runtimes connect at once: try again');
    admitting += 1;
    const admission = await options.admit(token).finally(() => (admitting -= 1));
    if (!admission.ok) return refuse(socket, admission.status, admission.reason);
    if (socket.destroyed) return undefined;
    upgrader.handleUpgrade(request, socket, head, (link) => {
      options.onPeer(link, admission.who, token, versionOf(chosen));
    });
  };
  server.on('upgrade', (request, socket, head) => {
    upgrade(request, socket, head).catch(() => socket.destroy());
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    setCertificate: (certificate) => server.setSecureContext({ ...secrets(certificate), minVersion: 'TLSv1.3' }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  503: 'Service Unavailable',
};

const secrets = ({ certificate, key }: ServingCertificate): { cert: string; key: string } => ({
  cert: certificate,
  key,
});
