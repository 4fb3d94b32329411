import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { createPassRequest, type PassRequest } from './pass-request.ts';

const namespace = { name: 'team-a', uid: 'uid-a' };

suite('a call that is passed on', () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('{}');
  });
  let pass: PassRequest;
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    pass = createPassRequest(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'token');
  });
  after(() => server.close());

  const send = (path: string) =>
    pass(
      { op: 'request', namespace, principal: 'ada', method: 'POST', path, headers: [] },
      AbortSignal.timeout(30_000),
    );

  test('reaches what its path names, also with a path and a query of its own', async () => {
    for (const path of ['/function/team-a/f', '/async-function/team-a/f/x y?q=a/../b', '/events/team-a']) {
      assert.equal((await send(path)).status, 200, path);
    }
    assert.deepEqual(asked.splice(0), [
      '/function/team-a/f',
      '/async-function/team-a/f/x%20y?q=a/../b',
      '/events/team-a',
    ]);
  });

  test('never reaches another function or namespace, however its path is spelt', async () => {
    const elsewhere = [
      '/function/team-a/f/../../team-b/g',
      '/function/team-a/f/%2e%2E/.%2e/team-b/g',
      String.raw`/function/team-a/f/x\..\..\..\..\team-b\g`,
      String.raw`/function/team-a/f\..\g`,
      String.raw`/function/team-a/f/\..\..\..\..\events\team-b`,
      '/function/team-b/f',
      '/events/team-b',
      '/function/team-a/f/..\u0001',
      '/function/f.team-b',
    ];
    for (const path of elsewhere) assert.equal((await send(path)).status, 400, path);
    assert.deepEqual(asked, []);
  });
});
