/** The part of the console's API that helps to write: forms, times of a schedule, and what to start from. */
import type { FastifyInstance } from 'fastify';
import { toProblem } from '../failures/problem.ts';
import type { CreateOrder, EditingSource } from './editing-source.ts';
import { formKit } from './form-kit.ts';
import { upcomingTimes } from './upcoming-times.ts';

interface TimesQuery {
  readonly cron?: unknown;
  readonly timeZone?: unknown;
}

export function registerEditing(api: FastifyInstance, source: EditingSource): void {
  let kit: ReturnType<typeof formKit> | undefined;
  api.get('/form', async () => (kit ??= formKit()));
  api.get<{ Querystring: TimesQuery }>('/times', async ({ query: { cron, timeZone } }) =>
    upcomingTimes(
      typeof cron === 'string' ? cron : '',
      typeof timeZone === 'string' && timeZone !== '' ? timeZone : 'UTC',
      Date.now(),
    ),
  );
  api.get('/starting-points', async () => {
    const namespaces = await source.namespaces();
    return { points: source.startingPoints(), ...(namespaces === undefined ? {} : { namespaces }) };
  });
  api.post<{ Body: unknown }>('/functions', async ({ body }, reply) => {
    const order = readOrder(body);
    if (order !== undefined) return source.create(order);
    const problem = toProblem('RequestInvalid', 'a new function has a name, what it is made from, and maybe a secret');
    return reply.code(problem.status).type('application/problem+json').send(problem);
  });
}

function readOrder(body: unknown): CreateOrder | undefined {
  const { name, from, secret, namespace } = (body ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof name !== 'string' || typeof from !== 'string') return undefined;
  if (secret !== undefined && typeof secret !== 'string') return undefined;
  if (namespace !== undefined && typeof namespace !== 'string') return undefined;
  return {
    name,
    from,
    ...(secret === undefined ? {} : { secret }),
    ...(namespace === undefined ? {} : { namespace }),
  };
}
