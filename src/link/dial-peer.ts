/** Dials a controller: TLS that trusts the installation's own authority only, the proof in a header. */
import type { ConnectionOptions } from 'node:tls';
import { type ClientOptions, WebSocket } from 'ws';
import { linkPath, subprotocolsOf, type LinkLimits } from './protocol.ts';

export interface DialOptions {
  readonly host: string;
  readonly port: number;
  /** Name the certificate must have. */
  readonly serverName: string;
  /** PEM of the authorities that are trusted. */
  readonly authorities: string;
  readonly token: string;
  readonly limits: LinkLimits;
  /** Newest protocol version this program speaks. */
  readonly newest: number;
  readonly timeoutMs: number;
}

const longestReason = 300;

/**
 * `onOpen` must take the socket at once: messages may come with the answer. Exactly one of the two is called; the reason is
 * for the log and names no secret. Answers what gives the attempt up.
 */
export function dialPeer(
  options: DialOptions,
  onOpen: (socket: WebSocket) => void,
  onFailed: (reason: string) => void,
): () => void {
  const { host, port, limits } = options;
  const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const connecting: ClientOptions & ConnectionOptions = {
    ca: options.authorities,
    servername: options.serverName,
    headers: { authorization: `Bearer ${options.token}` },
    minVersion: 'TLSv1.3',
    perMessageDeflate: false,
    followRedirects: false,
    maxPayload: limits.downBytes,
    handshakeTimeout: options.timeoutMs,
  };
  const socket = new WebSocket(`wss://${authority}${linkPath}`, [...subprotocolsOf(options.newest)], connecting);
  let settled = false;
  const fail = (reason: string): void => {
    if (settled) return;
    settled = true;
    onFailed(reason);
  };
  const failed = (error: Error): void => fail(error.message);
  socket.on('error', failed);
  socket.once('open', () => {
    settled = true;
    socket.off('error', failed);
    onOpen(socket);
  });
  socket.once('unexpected-response', (_request, response) => {
    let reason = `${response.statusCode}: `;
    response.setEncoding('utf8');
    response.on('data', (text: string) => (reason = `${reason}${text}`.slice(0, longestReason)));
    response.on('close', () => {
      fail(reason.trim());
      socket.terminate();
    });
  });
  return () => {
    fail('given up');
    socket.terminate();
  };
}
