/** What verification fetches: as often as the receiver needs it, never as often as strangers ask for it. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { createOutboundGuard, type OutboundGuard } from '../../src/policy/outbound.ts';
import type { FetchDocument } from '../../src/receivers/types.ts';
import type { FunctionEntry } from '../../src/routing/types.ts';
import { createDocuments, type Documents } from '../../src/runtime/fetch-document.ts';
import { functionEntry } from '../builders/function-entry.ts';
import { localEgress, upstream, type Upstream } from '../builders/host-engine.ts';

const minute = 60_000;

suite('documents for verification', () => {
  let server: Upstream;
  let guard: OutboundGuard;
  let asked: string[] = [];
  let broken = false;
  let now = 0;
  let documents: Documents;
  let entry: FunctionEntry;

  before(async () => {
    entry = functionEntry();
    guard = createOutboundGuard();
    server = await upstream((request, response) => {
      asked.push(request.url ?? '');
      if (request.url === '/moved') response.writeHead(302, { location: '/keys' });
      else if (request.url === '/keys' && !broken) response.writeHead(200);
      else response.writeHead(404);
      response.end('keys');
    });
  });
  beforeEach(() => {
    asked = [];
    broken = false;
    now = 1_000_000;
    const { installation } = localEgress([`127.0.0.1:${server.port}`]);
    documents = createDocuments({ guard, installationEgress: () => installation, now: () => now });
  });
  after(async () => {
    await guard.close();
    await server.close();
  });

  const url = (path: string): string => `${server.url}/${path}`;
  const fetcher = (trigger = 'push', address = '192.0.2.1'): FetchDocument => documents(entry, trigger, address);

  test('are asked for once by many requests at once, and kept', async () => {
    const fetch = fetcher();
    const all = await Promise.all(Array.from({ length: 50 }, async () => fetch(url('keys'))));
    assert.ok(all.every((each) => each.ok));
    now += 59 * minute;
    assert.ok((await fetch(url('keys'))).ok);
    assert.deepEqual(asked, ['/keys']);
    now += 2 * minute;
    assert.ok((await fetch(url('keys'))).ok);
    assert.deepEqual(asked, ['/keys', '/keys'], 'control: one that is old is asked for again');
  });

  test('that failed are kept too, and unknown keys cause at most one fetch a minute', async () => {
    const fetch = fetcher();
    for (let round = 0; round < 20; round += 1) assert.equal((await fetch(url('none'), true)).ok, false);
    assert.deepEqual(asked, ['/none']);
    assert.ok((await fetch(url('keys'), true)).ok);
    for (let round = 0; round < 20; round += 1) await fetch(url('keys'), true);
    assert.deepEqual(asked, ['/none', '/keys']);
    now += minute;
    await fetch(url('keys'), true);
    assert.deepEqual(asked, ['/none', '/keys', '/keys'], 'control: after a minute it may be asked for again');
  });

  test('come from the named host only: redirects are not followed, other addresses not reached', async () => {
    const moved = await fetcher()(url('moved'));
    assert.deepEqual(moved, { ok: false, message: 'its host answered 302' });
    assert.deepEqual(asked, ['/moved']);
    const local = await fetcher('other')(`http://localhost:${server.port + 1}/keys`);
    assert.equal(local.ok, false);
    assert.deepEqual(asked, ['/moved']);
  });

  test('that strangers make up neither push out what verifies nor keep it from being fetched anew', async () => {
    const fetch = fetcher();
    assert.ok((await fetch(url('keys'))).ok);
    for (let round = 0; round < 70; round += 1) {
      now += minute;
      for (let name = 0; name < 6; name += 1) await fetch(url(`made-up-${round}-${name}`));
      assert.ok((await fetch(url('keys'))).ok, `after ${round + 1} minutes`);
    }
    const made = asked.filter((path) => path.startsWith('/made-up'));
    assert.ok(made.length <= 70 * 2, `${made.length} fetches for strangers`);
    assert.ok(made.length >= 70, 'control: strangers did ask');
    assert.equal(asked.filter((path) => path === '/keys').length, 2, 'once at first and once after an hour');
  });

  test('that strangers make up do not keep the first one of a sender from being fetched', async () => {
    for (let stranger = 0; stranger < 5; stranger += 1) {
      const fetch = fetcher('push', `198.51.100.${stranger}`);
      for (let name = 0; name < 6; name += 1) await fetch(url(`made-up-${stranger}-${name}`));
    }
    assert.equal(asked.length, 10, 'control: each of them did ask, and no more than twice');
    assert.ok((await fetcher('push', '192.0.2.1')(url('keys'))).ok);
    // Addresses of one IPv6 network are one stranger.
    for (let host = 0; host < 20; host += 1) await fetcher('six', `2001:db8::${host + 1}`)(url(`six-${host}`));
    assert.equal(asked.filter((path) => path.startsWith('/six')).length, 2);
    for (let host = 0; host < 40; host += 1) await fetcher('many', `2001:db8:0:${host + 1}::1`)(url(`many-${host}`));
    assert.equal(asked.filter((path) => path.startsWith('/many')).length, 16, 'there is a bound for all together');
  });

  test('of a host that fails serve on for a day, not longer', async () => {
    const fetch = fetcher();
    assert.ok((await fetch(url('keys'))).ok);
    broken = true;
    now += 23 * 60 * minute;
    assert.ok((await fetch(url('keys'))).ok);
    now += 2 * 60 * minute;
    assert.equal((await fetch(url('keys'))).ok, false);
  });
});
