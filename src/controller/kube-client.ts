/**
 * Calls of the API server over shared connections. HTTP/1.1 on purpose: a dead HTTP/2 session would take every watch with
 * it and be handed to the next call, a dead HTTP/1.1 socket ends with the one call that finds it dead.
 */
import { Agent, ProxyAgent, type Dispatcher } from 'undici';
import { errorMessage } from '../failures/error-message.ts';
import { failureOf, type KubeAnswer, type KubeRequest, type KubeStream } from './kube-answer.ts';
import type { CredentialReader, Credentials } from './kube-credentials.ts';
import { readLines } from './read-lines.ts';

export interface KubeClient {
  /** One call; the body is parsed JSON. Reads are tried once more when a kept connection turns out to be dead. */
  request<Body>(request: KubeRequest): Promise<KubeAnswer<Body>>;
  /** One call whose answer is taken as text, up to so many bytes; more is a failure of reason `TooLarge`. Never tried again. */
  text(request: KubeRequest, maxBytes: number): Promise<KubeAnswer<string>>;
  /** Opens a watch, or any other answer of lines; `timeoutMs` is for its head. */
  stream(request: KubeRequest): Promise<KubeAnswer<KubeStream>>;
  close(): Promise<void>;
}

const defaultTimeoutMs = 30_000;
/** Connections for everything that is no watch. */
const callConnections = 64;

interface Pool {
  readonly key: string;
  readonly calls: Dispatcher;
  readonly watches: Dispatcher;
}

/** A client that identifies itself as `userAgent`. */
export function createKubeClient(credentials: CredentialReader, userAgent: string): KubeClient {
  let pool: Pool | undefined;
  const closing = new Set<Promise<void>>();

  function poolOf({ connection, connectionKey }: Credentials): Pool {
    if (pool?.key === connectionKey) return pool;
    if (pool !== undefined) retire(pool);
    pool = {
      key: connectionKey,
      calls: dispatcherOf(connection, { connections: callConnections }),
      watches: dispatcherOf(connection, { bodyTimeout: 0 }),
    };
    return pool;
  }

  /** What is under way ends by itself. */
  function retire({ calls, watches }: Pool): void {
    const closed = Promise.all([calls.close(), watches.close()]).then(() => void closing.delete(closed));
    closing.add(closed);
  }

  async function send(request: KubeRequest, kind: 'calls' | 'watches', signal: AbortSignal): Promise<Sent> {
    const content = request.bodyText ?? (request.body === undefined ? undefined : JSON.stringify(request.body));
    const known = await credentials.read().catch((error: unknown) => {
      throw new NoCredentials(errorMessage(error));
    });
    const { server, headers } = known;
    const path = `${server.pathname.replace(/\/$/, '')}${request.path}${queryOf(request.query)}`;
    const response = await poolOf(known)[kind].request({
      origin: server.origin,
      path,
      method: request.method ?? 'GET',
      signal,
      headers: {
        ...headers,
        accept: request.accept ?? 'application/json',
        'user-agent': userAgent,
        ...(content === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
        ...(request.impersonate === undefined ? {} : { 'impersonate-user': request.impersonate }),
      },
      ...(content === undefined ? {} : { body: content }),
    });
    // Tokens are replaced in their file; the next call reads it.
    if (response.statusCode === 401) credentials.forget();
    return response;
  }

  async function call<Body>(request: KubeRequest): Promise<KubeAnswer<Body>> {
    const answer = await callText(request, Number.POSITIVE_INFINITY);
    if (!answer.ok) return answer;
    const value = parse(answer.body);
    if (typeof value !== 'object' || value === null) {
      return unreached('Garbled', 'the API server answered something that is no object in JSON');
    }
    return { ...answer, body: value as Body };
  }

  async function callText(request: KubeRequest, maxBytes: number): Promise<KubeAnswer<string>> {
    const timeoutMs = request.timeoutMs ?? defaultTimeoutMs;
    // Not `AbortSignal.any`: what it leaves on the caller's signal is taken off by a collection, thousands at once.
    const ended = new AbortController();
    let late = false;
    const onAbort = (): void => ended.abort();
    const timer = setTimeout(() => {
      late = true;
      ended.abort();
    }, timeoutMs);
    request.signal?.addEventListener('abort', onAbort, { once: true });
    if (request.signal?.aborted === true) ended.abort();
    try {
      const { statusCode, headers, body } = await send(request, 'calls', ended.signal);
      const text = maxBytes === Number.POSITIVE_INFINITY ? await body.text() : await readUpTo(body, maxBytes);
      if (text === undefined) return unreached('TooLarge', `the answer is longer than ${maxBytes} bytes`);
      if (statusCode >= 400) return failureOf(statusCode, text, retryAfterOf(headers));
      return { ok: true, status: statusCode, body: text };
    } catch (error) {
      return late ? unreached('TimedOut', `no answer within ${timeoutMs} ms`) : unreachable(error);
    } finally {
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', onAbort);
    }
  }

  return {
    request: async <Body>(request: KubeRequest): Promise<KubeAnswer<Body>> => {
      const answer = await call<Body>(request);
      const again = !answer.ok && answer.reason === 'Unreachable' && (request.method ?? 'GET') === 'GET';
      return again && request.signal?.aborted !== true ? call<Body>(request) : answer;
    },
    text: callText,
    stream: async (request) => {
      const ended = new AbortController();
      const onAbort = (): void => ended.abort();
      // The caller's signal outlives many streams: nothing of them stays on it.
      const close = (): void => {
        request.signal?.removeEventListener('abort', onAbort);
        ended.abort();
      };
      request.signal?.addEventListener('abort', onAbort, { once: true });
      if (request.signal?.aborted === true) ended.abort();
      const late = setTimeout(onAbort, request.timeoutMs ?? defaultTimeoutMs);
      try {
        const { statusCode, headers, body } = await send(request, 'watches', ended.signal);
        if (statusCode < 400) {
          // Given up before its end, a body fails; nobody waits for it then.
          body.on('error', () => undefined);
          return { ok: true, status: statusCode, body: { lines: readLines(body), close } };
        }
        const failure = failureOf(statusCode, await body.text(), retryAfterOf(headers));
        close();
        return failure;
      } catch (error) {
        close();
        return unreachable(error);
      } finally {
        clearTimeout(late);
      }
    },
    close: async () => {
      const last = pool;
      pool = undefined;
      await Promise.all([last?.calls.destroy(), last?.watches.destroy(), ...closing]);
    },
  };
}

type Sent = Dispatcher.ResponseData;

/** Nothing was asked: what proves us could not be read or made. */
class NoCredentials extends Error {}

function dispatcherOf(connection: Credentials['connection'], options: Agent.Options): Dispatcher {
  const shared: Agent.Options = {
    ...options,
    allowH2: false,
    pipelining: 1,
    headersTimeout: defaultTimeoutMs,
    keepAliveTimeout: 60_000,
  };
  if (connection.type === 'none') return new Agent(shared);
  if (connection.type === 'socks') {
    throw new Error('a SOCKS proxy in the kubeconfig is not supported: use an HTTP proxy, or none');
  }
  // The library speaks of the options of Node's sockets, undici of its own: the members meant here are the same.
  const connect = connection.connect as ConnectOptions;
  if (connection.type === 'agent') return new Agent({ ...shared, connect });
  const requestTls = connection.requestTls as ConnectOptions;
  return new ProxyAgent({ ...shared, uri: connection.uri, requestTls, connect });
}

type ConnectOptions = Exclude<NonNullable<ProxyAgent.Options['requestTls']>, undefined>;

/** Undefined: there is more; the rest is not read. */
async function readUpTo(body: Sent['body'], maxBytes: number): Promise<string | undefined> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop ends the body and its connection.
  for await (const piece of body as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > maxBytes) return undefined;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

function queryOf(query: KubeRequest['query']): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === '' ? '' : `?${text}`;
}

function retryAfterOf(headers: Sent['headers']): string | undefined {
  const value = headers['retry-after'];
  return typeof value === 'string' ? value : value?.[0];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function unreachable(error: unknown): KubeAnswer<never> {
  return unreached(error instanceof NoCredentials ? 'NoCredentials' : 'Unreachable', errorMessage(error));
}

function unreached(reason: string, message: string): KubeAnswer<never> {
  return { ok: false, status: 0, reason, message };
}
