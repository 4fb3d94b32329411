/** The listener of the aggregated API: TLS, the front proxy's client certificate, JSON or tables, watches as lines. */
import { fastify, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from '../../telemetry/logger.ts';
import type { KeyPair } from '../certificates/make-certificates.ts';
import { isRefusal, refusal, statusObject, type Refusal } from './api-status.ts';
import type { ApiRequest, Document } from './answer-request.ts';
import { proveUser, type FrontProxy, type ProvedUser } from './front-proxy.ts';
import type { Answered } from './handler.ts';
import { sendAnswer } from './send-answer-http.ts';

export interface ApiListener {
  readonly port: number;
  /** New connections get it. */
  setCertificate(certificate: KeyPair): void;
  /** The front proxy is another one: new connections are judged by it. */
  setFrontProxy(): void;
  close(): Promise<void>;
}

/** What is held of connections: strangers reach this port, too. */
export interface ConnectionLimits {
  readonly all: number;
  /** An API server has a connection for each request under way. */
  readonly ofAddress: number;
  /** Whoever shows no certificate may say nothing for so long. */
  readonly patienceMs: number;
}

/** For the handshake, and for the headers. */
const greetingMs = 10_000;
const usualLimits: ConnectionLimits = { all: 4_096, ofAddress: 1_024, patienceMs: 5_000 };

/** Of a body: a captured request of the largest size, in base64. */
const bodyLimit = 12 * 1024 * 1024;

interface TlsSocket {
  readonly authorized?: boolean;
  getPeerCertificate?(): { readonly subject?: { readonly CN?: string | string[] } };
}

export async function openApiListener(options: {
  readonly host: string;
  readonly port: number;
  readonly certificate: KeyPair;
  readonly log: Logger;
  /** Undefined: nobody is believed. */
  frontProxy(): FrontProxy | undefined;
  answer(request: ApiRequest): Promise<(Answered & { readonly resource: string }) | Document | Refusal>;
  /** Milliseconds since the epoch. */
  wall(): number;
  readonly limits?: ConnectionLimits;
}): Promise<ApiListener> {
  const { host, log, answer, wall, limits = usualLimits } = options;
  let { certificate } = options;
  const secrets = (): { cert: string; key: string; ca: string[] } => ({
    cert: certificate.certificate,
    key: certificate.key,
    // Never the authorities of the machine: an empty list believes nobody.
    ca: [options.frontProxy()?.authority ?? []].flat(),
  });
  const app = fastify({
    logger: false,
    bodyLimit,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    https: {
      ...secrets(),
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      handshakeTimeout: greetingMs,
      headersTimeout: greetingMs,
    },
  });
  boundConnections(app.server, limits);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit }, (_request, body, done) => done(null, body));
  app.setErrorHandler((error: Error & { readonly statusCode?: number }, _request, reply) => {
    const { statusCode = 500 } = error;
    if (statusCode < 500) return refuse(reply, refusal(statusCode, error.message));
    log.error('the aggregated API', { error: error.stack ?? error.message });
    return refuse(reply, refusal(500, 'the controller failed at this: its log tells why'));
  });
  // Who is believed is known before a byte of the body is read.
  const users = new WeakMap<FastifyRequest['raw'], ProvedUser>();
  app.addHook('onRequest', async (request, reply) => {
    const user = userOf(request, options.frontProxy());
    if (typeof user !== 'string') users.set(request.raw, user);
    else await refuse(reply.header('connection', 'close'), refusal(401, user));
  });
  app.all('/*', async (request, reply) => {
    const ending = new AbortController();
    reply.raw.on('close', () => ending.abort());
    const user = users.get(request.raw);
    if (user === undefined) throw new Error('a request without a proved user came through');
    const said = await answer({
      method: request.method,
      url: request.url,
      body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
      signal: ending.signal,
      user,
    });
    if (isRefusal(said)) return refuse(reply, said);
    if (said.kind === 'document') return reply.type('application/json').send(JSON.stringify(said.document));
    return sendAnswer(request, reply, said, {
      wall,
      signal: ending.signal,
      onBroken: (error) => log.warn('a watch of the aggregated API ended', { error: String(error) }),
    });
  });
  await app.listen({ host, port: options.port });
  const address = app.server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : options.port,
    setCertificate(next) {
      certificate = next;
      app.server.setSecureContext(secrets());
    },
    setFrontProxy: () => app.server.setSecureContext(secrets()),
    close: () => app.close(),
  };
}

type RawSocket = FastifyRequest['raw']['socket'];

interface TlsServer {
  maxConnections: number;
  on(event: 'connection', listener: (socket: RawSocket) => void): unknown;
  on(event: 'secureConnection', listener: (socket: RawSocket & TlsSocket) => void): unknown;
}

/** Before anybody is proved nothing but connections can be used up. */
function boundConnections(server: TlsServer, { all, ofAddress, patienceMs }: ConnectionLimits): void {
  const counts = new Map<string, number>();
  server.maxConnections = all;
  server.on('connection', (socket) => {
    const { remoteAddress: address = '' } = socket;
    const count = counts.get(address) ?? 0;
    if (count >= ofAddress) return void socket.destroy();
    counts.set(address, count + 1);
    return void socket.once('close', () => {
      const left = (counts.get(address) ?? 1) - 1;
      if (left === 0) counts.delete(address);
      else counts.set(address, left);
    });
  });
  server.on('secureConnection', (socket) => {
    if (socket.authorized !== true) socket.setTimeout(patienceMs, () => socket.destroy());
  });
}

function userOf(request: FastifyRequest, proxy: FrontProxy | undefined): ProvedUser | string {
  if (proxy === undefined) return 'it is not known yet how the API server proves itself';
  const { rawHeaders, socket } = request.raw;
  const { authorized = false, getPeerCertificate } = socket as unknown as TlsSocket;
  const name = getPeerCertificate?.call(socket).subject?.CN;
  const headers = Array.from({ length: rawHeaders.length / 2 }, (_, index): readonly [string, string] => [
    rawHeaders[2 * index] ?? '',
    rawHeaders[2 * index + 1] ?? '',
  ]);
  return proveUser(proxy, { authorized, commonName: typeof name === 'string' ? name : undefined }, headers);
}

function refuse(reply: FastifyReply, said: Refusal): FastifyReply {
  const { status, retryAfterSeconds } = said;
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', retryAfterSeconds);
  return reply
    .code(status)
    .type('application/json')
    .send(JSON.stringify(statusObject(said)));
}
