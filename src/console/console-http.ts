/**
 * The console over HTTP: static files without a proof, everything else with the start-up token as a bearer. Own port: no
 * function answers there, so that nobody's page shares its origin.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fastify, type FastifyInstance, type FastifyReply } from 'fastify';
import type { FailureCode } from '../failures/catalogue.ts';
import { toProblem } from '../failures/problem.ts';
import { createOneTimeCodes } from './one-time-codes.ts';
import { languageHelp } from './language.ts';
import { authorizeCall, authorizePlace } from '../runtime/authorize-call.ts';
import type { ConsoleSource, Draft } from './console-source.ts';
import { registerEditing } from './editing-http.ts';
import { readOrder } from './read-order.ts';
import { followSource } from './follow-source.ts';
import { pageOf, readPageWish } from './page-of-list.ts';
import { registerWatching } from './watch-http.ts';

export interface ConsoleListener {
  readonly port: number;
  close(): Promise<void>;
}

const bodyLimit = 8 * 1024 * 1024;

/** Nothing from elsewhere is loaded, nothing inline runs, no page frames it. Editors set styles on elements. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
};

export async function openConsole(options: {
  readonly host: string;
  readonly port: number;
  readonly token: string;
  /** Makes or finds the folder of the built page: asked once, when a page is first asked for. */
  page(): Promise<string>;
  readonly source: ConsoleSource;
}): Promise<ConsoleListener> {
  const { host, port, token, source } = options;
  // Says that another process answers, and nothing about its token.
  const instance = randomUUID();
  const app = fastify({ logger: false, forceCloseConnections: true, bodyLimit });
  const listening = (): number => {
    const address = app.server.address();
    return address !== null && typeof address === 'object' ? address.port : port;
  };
  app.addHook('onRequest', async (request, reply) => {
    reply
      .header('content-security-policy', contentSecurityPolicy)
      .header('x-content-type-options', 'nosniff')
      .header('referrer-policy', 'no-referrer')
      .header('cross-origin-opener-policy', 'same-origin')
      .header('cross-origin-resource-policy', 'same-origin');
    const verdict = authorizePlace(request.headers, listening());
    if (!verdict.ok) await refuse(reply, verdict.code, verdict.publicDetail);
  });
  app.setErrorHandler<Error & { readonly statusCode?: number }>(async (error, _request, reply) => {
    if ((error.statusCode ?? 500) < 500) return refuse(reply, 'RequestInvalid', error.message);
    return refuse(reply, 'Internal', error.message);
  });
  const codes = createOneTimeCodes(() => performance.now());
  app.post<{ Body: unknown }>('/codes', async ({ body }, reply) => {
    reply.header('cache-control', 'no-store');
    const code = (body as { readonly code?: unknown } | null)?.code;
    return typeof code === 'string' && codes.spend(code) ? { token } : refuse(reply, 'Unauthorized');
  });
  servePage(app, options.page);
  void app.register(
    async (api) => {
      api.addHook('onRequest', async (request, reply) => {
        reply.header('cache-control', 'no-store');
        const verdict = authorizeCall(request.headers, token, listening());
        if (!verdict.ok) await refuse(reply, verdict.code, verdict.publicDetail);
      });
      api.post('/codes', async () => ({ code: codes.issue() }));
      registerApi(api, source, instance);
    },
    { prefix: '/api' },
  );
  await app.listen({ host, port });
  return { port: listening(), close: () => app.close() };
}

interface PageFile {
  readonly type: string;
  readonly content: Buffer;
}

function servePage(app: FastifyInstance, page: () => Promise<string>): void {
  let files: Promise<ReadonlyMap<string, PageFile>> | undefined;
  app.get('/*', async (request, reply) => {
    const path = request.url.replace(/[?#].*$/, '');
    files ??= page().then(readPage);
    // A build that failed is tried again: what was wrong with it may be gone.
    files.catch(() => (files = undefined));
    const file = (await files).get(path === '/' ? '/index.html' : path);
    if (file === undefined) return refuse(reply, 'RouteNotFound', 'the console has no such page');
    // Names of assets hold a hash of their content.
    const caching = path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
    return reply.type(file.type).header('cache-control', caching).send(file.content);
  });
}

/** Files are few and small: read once, and no path is ever looked up on the disk. */
function readPage(folder: string): ReadonlyMap<string, PageFile> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const type = contentTypes[extname(path)] ?? 'application/octet-stream';
      return [path.slice(folder.length).replaceAll('\\', '/'), { type, content: readFileSync(path) }];
    }),
  );
}

interface Names {
  readonly namespace: string;
  readonly name: string;
}

type Query = Readonly<Record<string, string | undefined>>;

function registerApi(api: FastifyInstance, source: ConsoleSource, instance: string): void {
  api.get('/status', async () => source.status());
  api.get('/language', async () => languageHelp());
  api.get<{ Querystring: Query }>('/functions', async ({ query }, reply) => {
    const wanted = readPageWish(query);
    if (typeof wanted === 'string') return refuse(reply, 'RequestInvalid', wanted);
    return pageOf(await source.functions(), wanted, ({ namespace, name }) => `${namespace}/${name}`);
  });
  api.get<{ Params: Names }>('/functions/:namespace/:name', async ({ params: { namespace, name } }, reply) => {
    const rows = await source.functions();
    const row = rows.find((each) => each.namespace === namespace && each.name === name);
    return row ?? refuse(reply, 'FunctionNotFound', `there is no function ${namespace}/${name}`);
  });
  api.get<{ Params: Names }>('/functions/:namespace/:name/text', async ({ params }, reply) => {
    const text = await source.text(params.namespace, params.name);
    return text ?? refuse(reply, 'FunctionNotFound', `there is no function ${params.namespace}/${params.name}`);
  });
  api.post<{ Params: Names; Body: unknown }>('/functions/:namespace/:name/check', async ({ params, body }, reply) => {
    const draft = readDraft(body);
    if (draft === undefined) return refuse(reply, 'RequestInvalid', 'a draft has yaml and maybe lua, both text');
    return { remarks: await source.check(params.namespace, params.name, draft) };
  });
  api.put<{ Params: Names; Body: unknown }>('/functions/:namespace/:name/text', async ({ params, body }, reply) => {
    const draft = readDraft(body);
    const { version, takeOver = false } = (body ?? {}) as { readonly version?: unknown; readonly takeOver?: unknown };
    if (draft === undefined || typeof version !== 'string' || typeof takeOver !== 'boolean') {
      return refuse(reply, 'RequestInvalid', 'a save has yaml, maybe lua, and the version it is based on');
    }
    return source.save(params.namespace, params.name, draft, version, takeOver);
  });
  api.post<{ Params: Names; Body: unknown }>('/functions/:namespace/:name/samples', async ({ params, body }, reply) => {
    const draft = readDraft(body);
    if (draft === undefined) return refuse(reply, 'RequestInvalid', 'a draft has yaml and maybe lua, both text');
    return { samples: await source.samples(params.namespace, params.name, draft) };
  });
  api.post<{ Params: Names; Body: unknown }>('/functions/:namespace/:name/events', async ({ params, body }, reply) => {
    const { catching } = (body ?? {}) as { readonly catching?: unknown };
    if (catching !== undefined && typeof catching !== 'boolean') {
      return refuse(reply, 'RequestInvalid', 'catching is true or false');
    }
    return source.pastEvents(params.namespace, params.name, catching);
  });
  api.post<{ Params: Names; Body: unknown }>('/functions/:namespace/:name/try', async ({ params, body }, reply) => {
    const draft = readDraft(body);
    const order = readOrder((body as { readonly order?: unknown } | null)?.order);
    if (draft === undefined || order === undefined) {
      return refuse(
        reply,
        'RequestInvalid',
        'a try has yaml, maybe lua, and an order of its form, with network live or table',
      );
    }
    return source.try(params.namespace, params.name, draft, order);
  });
  api.get<{ Params: Names }>('/functions/:namespace/:name/calls', async ({ params }) => ({
    calls: await source.calls(params.namespace, params.name),
  }));
  registerEditing(api, source.editing);
  registerWatching(api, source.watching, () => source.functions());
  api.get('/changes', (_request, reply) => followSource(reply, source, instance));
}

function readDraft(body: unknown): Draft | undefined {
  const { yaml, lua } = (body ?? {}) as { readonly yaml?: unknown; readonly lua?: unknown };
  if (typeof yaml !== 'string' || (lua !== undefined && typeof lua !== 'string')) return undefined;
  return { yaml, ...(lua === undefined ? {} : { lua }) };
}

function refuse(reply: FastifyReply, code: FailureCode, detail?: string): FastifyReply {
  const problem = toProblem(code, detail);
  return reply.code(problem.status).type('application/problem+json').send(problem);
}
