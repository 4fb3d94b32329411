/** The third port: metrics, health and readiness; in the main thread, so it answers while workers are busy. */
import { fastify, type FastifyInstance } from 'fastify';
import type { Metrics } from '../telemetry/metrics.ts';

export interface AdminListener {
  readonly port: number;
  close(): Promise<void>;
}

export interface Readiness {
  readonly ready: boolean;
  /** Why not, for people. */
  readonly reason?: string;
}

/** `alive` is false when the process must be restarted. */
export async function openAdminListener(options: {
  readonly host: string;
  readonly port: number;
  readonly metrics: Metrics;
  alive(): Readiness;
  ready(): Readiness;
  /** Adds routes of whoever composes the program (local mode's API); `port` answers once it listens. */
  readonly routes?: ((app: FastifyInstance, port: () => number) => void) | undefined;
}): Promise<AdminListener> {
  const { host, port, metrics, alive, ready } = options;
  const app = fastify({ logger: false, forceCloseConnections: true, bodyLimit: 1024 });
  app.get('/metrics', async (_request, reply) => {
    const text = await metrics.render();
    return reply.type(metrics.contentType).send(text);
  });
  app.get('/healthz', (_request, reply) => answer(reply, alive()));
  app.get('/readyz', (_request, reply) => answer(reply, ready()));
  const listening = (): number => {
    const address = app.server.address();
    return address !== null && typeof address === 'object' ? address.port : port;
  };
  options.routes?.(app, listening);
  await app.listen({ host, port });
  return {
    port: listening(),
    close: () => app.close(),
  };
}

interface Replying {
  code(status: number): Replying;
  type(type: string): Replying;
  send(body: string): unknown;
}

function answer(reply: Replying, { ready, reason }: Readiness): void {
  reply
    .code(ready ? 200 : 503)
    .type('text/plain; charset=utf-8')
    .send(ready ? 'ok\n' : `${reason ?? 'not ready'}\n`);
}
