/** Health, readiness and metrics of a controller, on a port of their own. */
import { fastify } from 'fastify';
import type { Metrics } from '../telemetry/metrics.ts';

export interface AdminListener {
  readonly port: number;
  close(): Promise<void>;
}

/** `alive`, `ready`: undefined, or why not. */
export async function openAdminListener(options: {
  readonly host: string;
  readonly port: number;
  readonly metrics: Metrics;
  /** Why the process must be restarted. */
  alive(): string | undefined;
  ready(): string | undefined;
}): Promise<AdminListener> {
  const { host, port, metrics, alive, ready } = options;
  const app = fastify({ logger: false, forceCloseConnections: true, bodyLimit: 1024 });
  app.get('/metrics', async (_request, reply) => {
    const text = await metrics.render();
    return reply.type(metrics.contentType).send(text);
  });
  for (const [path, check] of [
    ['/healthz', alive],
    ['/readyz', ready],
  ] as const) {
    app.get(path, (_request, reply) => {
      const reason = check();
      reply
        .code(reason === undefined ? 200 : 503)
        .type('text/plain; charset=utf-8')
        .send(`${reason ?? 'ok'}\n`);
    });
  }
  await app.listen({ host, port });
  const address = app.server.address();
  return {
    port: address !== null && typeof address === 'object' ? address.port : port,
    close: () => app.close(),
  };
}
