/** The part of the console's API that helps to write: what forms are made of, and when a schedule would fire. */
import type { FastifyInstance } from 'fastify';
import { formKit } from './form-kit.ts';
import { upcomingTimes } from './upcoming-times.ts';

interface TimesQuery {
  readonly cron?: unknown;
  readonly timeZone?: unknown;
}

export function registerEditing(api: FastifyInstance): void {
  let kit: ReturnType<typeof formKit> | undefined;
  api.get('/form', async () => (kit ??= formKit()));
  api.get<{ Querystring: TimesQuery }>('/times', async ({ query: { cron, timeZone } }) =>
    upcomingTimes(
      typeof cron === 'string' ? cron : '',
      typeof timeZone === 'string' && timeZone !== '' ? timeZone : 'UTC',
      Date.now(),
    ),
  );
}
