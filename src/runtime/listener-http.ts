/** A listener of a worker: Fastify owns the socket's life, every request goes to one function before Fastify's router. */
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { fastify } from 'fastify';
import { catalogue, type FailureCode } from '../failures/catalogue.ts';
import { toProblem } from '../failures/problem.ts';
import type { InboundLimits } from '../settings/runtime-settings.ts';
import { createConnectionCounts } from './count-connections.ts';
import { LeanRequest } from './lean-request.ts';

/** Takes a request over before any of its body is read. */
export type TakeRequest = (request: LeanRequest, response: ServerResponse) => void;

export interface Listener {
  /** Answers the port that was bound. */
  listen(host: string, port: number, reusePort: boolean): Promise<number>;
  /** Accepts nothing more and closes idle connections; resolves when the last answer is out. */
  close(): Promise<void>;
  /** Closes every connection, whatever runs on it. */
  closeAll(): void;
}

interface ClientError extends Error {
  readonly code?: string;
}

/** How often connections are looked over for timeouts. */
function checkingInterval(limits: InboundLimits): number {
  return Math.max(50, Math.min(2_000, Math.floor(Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs) / 4)));
}

/**
 * Routes are ours (`src/routing`), and so are the bounds on bodies, which differ per trigger: neither Fastify's router nor
 * its body parsers see a request.
 */
export function createListener(
  limits: InboundLimits,
  take: TakeRequest,
  onRefused: (code: FailureCode) => void,
  isProxy: (address: string) => boolean,
): Listener {
  const counts = createConnectionCounts(limits.connectionsPerAddress, isProxy);
  let server: Server | undefined;
  const takeInOrder = endAfterUpgrade(take);
  const app = fastify({
    forceCloseConnections: 'idle',
    serverFactory: () => {
      server = createServer(
        {
          maxHeaderSize: limits.headerBytes,
          headersTimeout: limits.headersTimeoutMs,
          requestTimeout: limits.requestTimeoutMs,
          keepAliveTimeout: limits.keepAliveMs,
          connectionsCheckingInterval: checkingInterval(limits),
          // A request without a body is not made a stream that nobody reads.
          optimizeEmptyRequests: true,
          IncomingMessage: LeanRequest,
          // The spine refuses it itself, in the words of every refusal.
          requireHostHeader: false,
        },
        (request, response) => {
          request.handOver();
          takeInOrder(request, response);
        },
      );
      server.on('checkExpectation', (request: LeanRequest, response: ServerResponse) => {
        request.refusal = { code: 'ExpectationFailed', detail: 'the only expectation that is met is 100-continue' };
        request.handOver();
        takeInOrder(request, response);
      });
      // The spine counts header lines itself: Node would drop those above its own bound without a word.
      server.maxHeadersCount = 0;
      server.maxConnections = limits.connections;
      // Whoever keeps connections for later makes room for who has something to say now.
      server.on('drop', () => server?.closeIdleConnections());
      server.on('connection', (socket: Socket) => {
        if (!counts.admit(socket)) refuseSocket('TooManyConnections', socket, onRefused);
      });
      server.on('clientError', (error: ClientError, socket: Socket) => refuseBroken(error, socket, onRefused));
      return server;
    },
  });
  return {
    async listen(host, port, reusePort) {
      await app.listen({ host, port, reusePort } as { host: string; port: number });
      const address = app.server.address();
      if (address === null || typeof address === 'string') throw new Error(`not listening on ${host}:${port}`);
      return address.port;
    },
    close: () => app.close(),
    closeAll: () => server?.closeAllConnections(),
  };
}

/**
 * A request that offers another protocol is answered in this one, and is the last of its connection. Node's parser forgets
 * what arrived in one piece behind such a request: of a further request the head may be gone, and its body, which somebody
 * else chose, would be read as a request.
 */
function endAfterUpgrade(take: TakeRequest): TakeRequest {
  const ended = new Set<Socket>();
  return (request, response) => {
    const { socket } = request;
    if (ended.size > 0 && ended.has(socket)) return;
    if (request.head.upgrade !== undefined) {
      ended.add(socket);
      socket.once('close', () => ended.delete(socket));
      response.shouldKeepAlive = false;
    }
    take(request, response);
  };
}

function codeOf(error: ClientError): FailureCode {
  if (error.code === 'HPE_HEADER_OVERFLOW') return 'HeadersTooLarge';
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'RequestTimeout';
  return 'RequestInvalid';
}

/** Answers what is no HTTP request on the bare socket, and closes it. */
function refuseBroken(error: ClientError, socket: Socket, onRefused: (code: FailureCode) => void): void {
  // A reset, or an answer that has begun: there is nobody to answer.
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  refuseSocket(codeOf(error), socket, onRefused);
}

function refuseSocket(code: FailureCode, socket: Socket, onRefused: (code: FailureCode) => void): void {
  onRefused(code);
  const body = `${JSON.stringify(toProblem(code))}\n`;
  const { status, title } = catalogue[code];
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
  // Whoever does not take the answer keeps no socket open.
  socket.destroySoon();
}
