/** The real engine with the real host environment: guard, store in memory, caches; and a server on loopback to talk to. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createDirectKeyValue } from '../../src/delivery/direct-key-value.ts';
import { createLaterQueue } from '../../src/delivery/later.ts';
import { createEventBus } from '../../src/delivery/publish.ts';
import { createFunctionCaches } from '../../src/host/cache-store.ts';
import { createHostEnvironment } from '../../src/host/environment.ts';
import type { CalledResult, HostContext } from '../../src/host/types.ts';
import { createEngine } from '../../src/lua/engine.ts';
import { meterLua } from '../../src/lua/metering.ts';
import type { Engine } from '../../src/lua/engine-contract.ts';
import type { CallResult, LuaValue } from '../../src/lua/types.ts';
import type { KubernetesCaller } from '../../src/host/kubernetes-types.ts';
import { parseEgressGrant, parseEgressPattern, type EffectiveEgress } from '../../src/policy/egress.ts';
import { createOutboundGuard } from '../../src/policy/outbound.ts';
import { noCluster } from '../../src/runtime/kubernetes-desk.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { load, program, type ProgramParts } from './lua-program.ts';

export interface HostBench {
  readonly engine: Engine<HostContext>;
  readonly store: Store;
  readonly context: HostContext;
  /** Defects of host functions: a test that expects none checks that it is empty. */
  readonly defects: readonly unknown[];
  /** Loads code and calls its `default` handler. */
  run(code: string, parts?: ProgramParts, context?: Partial<HostContext>): Promise<CallResult>;
  /** The first value of a body `return function() … end`; throws if the call failed. */
  value(body: string, parts?: ProgramParts, context?: Partial<HostContext>): Promise<LuaValue>;
  /** The same for a value that is a string. */
  text(body: string, parts?: ProgramParts, context?: Partial<HostContext>): Promise<string>;
  /** The error a body raises, with its place: `hook:2: …`. */
  error(body: string, parts?: ProgramParts, context?: Partial<HostContext>): Promise<string>;
  close(): Promise<void>;
}

export interface HostBenchOptions {
  readonly egress?: EffectiveEgress;
  /** The cluster; absent: there is none. */
  readonly kubernetes?: KubernetesCaller['call'];
  readonly caller?: (name: string, data: LuaValue) => Promise<CalledResult>;
  readonly now?: () => number;
  /** Monotonic milliseconds; default `performance.now`. */
  readonly clock?: () => number;
}

/** Egress of one machine with the given grants and list. */
export function localEgress(grants: readonly string[], allow?: readonly string[]): EffectiveEgress {
  return {
    installation: {
      grants: grants.map((text) => required(parseEgressGrant(text, { local: true }))),
      denied: [],
      local: true,
    },
    ...(allow === undefined ? {} : { allow: allow.map((text) => required(parseEgressPattern(text))) }),
  };
}

function required<T>(
  parsed: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string },
): T {
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.value;
}

/** Starts engine and store. */
export async function hostBench(options: HostBenchOptions = {}): Promise<HostBench> {
  const defects: unknown[] = [];
  const module = await meterLua();
  const engine = createEngine<HostContext>({
    module,
    environment: createHostEnvironment(),
    onDefect: (error) => void defects.push(error),
    ...(options.now === undefined ? {} : { now: options.now }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  });
  const opened = await openStore({ path: ':memory:', onLost: (error) => void defects.push(error) });
  const store = opened.connect();
  const guard = createOutboundGuard();
  let ids = 0;
  const newId = (): string => `id-${(ids += 1)}`;
  const context: HostContext = {
    outbound: guard.outboundFor({ namespaceUid: 'uid-team-a', egress: options.egress ?? localEgress([]) }),
    keyValue: createDirectKeyValue(store),
    later: createLaterQueue(store, newId),
    events: createEventBus(store, () => ({ deliveries: [], count: 0 }), newId),
    caller: {
      call: async (name, _handler, data) =>
        options.caller?.(name, data) ?? { ok: false, message: `there is no function "${name}"`, status: 404 },
    },
    cache: createFunctionCaches({ now: () => performance.now() }).cacheFor('uid-team-a', 'hook'),
    kubernetes: { call: options.kubernetes ?? (async () => noCluster) },
    hops: 0,
    budgetOf: () => ({ child: () => 100, outgoing: () => 100 }),
  };
  const run: HostBench['run'] = async (code, parts = {}, more = {}) => {
    const made = program(code, parts);
    const loaded = await load(engine, made, { ...context, ...more });
    if (!loaded.result.ok) throw new Error(loaded.result.mistakes.map((mistake) => mistake.message).join('\n'));
    try {
      return await loaded.call([{ name: 'test' }]);
    } finally {
      engine.unload(made.revision);
    }
  };
  const value: HostBench['value'] = async (body, parts, more) => {
    const result = await run(`return function(event)\n${body}\nend`, parts, more);
    if (result.kind !== 'ok') throw new Error(`${result.kind}: ${'error' in result ? result.error.message : ''}`);
    return result.values[0];
  };
  return {
    engine,
    store,
    context,
    defects,
    run,
    value,
    async text(body, parts, more) {
      const found = await value(body, parts, more);
      if (typeof found !== 'string') throw new Error(`expected a string, got ${typeof found}`);
      return found;
    },
    async error(body, parts, more) {
      const result = await run(`return function(event)\n${body}\nend`, parts, more);
      if (result.kind !== 'error') throw new Error(`expected an error, got ${result.kind}`);
      const { file, line, message } = result.error;
      return line === undefined ? message : `${file}:${line}: ${message}`;
    },
    async close() {
      await engine.close();
      await guard.close();
      await opened.close();
    },
  };
}

export interface Upstream {
  readonly port: number;
  readonly url: string;
  readonly server: Server;
  close(): Promise<void>;
}

/** A server on loopback. Default: `/status/N` answers N, everything else answers what it was sent, as JSON. */
export async function upstream(listener: RequestListener = echo): Promise<Upstream> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    server,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

const echo: RequestListener = (request, response) => {
  void readAll(request).then((body) => {
    const url = new URL(request.url ?? '/', 'http://x');
    const status = /^\/status\/(\d{3})$/.exec(url.pathname)?.[1];
    response.writeHead(status === undefined ? 200 : Number(status), {
      'content-type': 'application/json',
      'x-method': request.method,
    });
    response.end(
      JSON.stringify({
        method: request.method,
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: request.headers,
        body: body.toString(),
      }),
    );
  });
};

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
