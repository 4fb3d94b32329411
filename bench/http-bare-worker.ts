/** The yardstick: one bare Fastify route in a worker thread, with the answer our function gives. */
import { fastify } from 'fastify';
import { parentPort } from 'node:worker_threads';

const app = fastify({ logger: false });
app.get('/default/hello', (request, reply) => {
  reply.type('text/plain; charset=utf-8').send(`hello ${request.headers['x-name'] as string} at ${request.url}`);
});
app.post('/default/echo', (request, reply) => {
  reply.type('text/plain; charset=utf-8').send(`hello ${(request.body as { name: string }).name}`);
});
await app.listen({ host: '127.0.0.1', port: 0 });
const address = app.server.address();
parentPort?.postMessage(typeof address === 'object' ? address?.port : undefined);
