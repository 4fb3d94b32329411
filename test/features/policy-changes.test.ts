/** The installation's policy changes while functions run: what it opens is open at once, what it closes is closed. */
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { eventually } from '../builders/eventually.ts';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

const open = { open: {} };
const held = Promise.withResolvers<ServerResponse>();
const target = createServer((request, response) => {
  if (request.url === '/held') held.resolve(response);
  else response.end('reached');
});

suite('a policy that changes', () => {
  let served: ServedFunctions;
  before(async () => {
    await new Promise<void>((resolve) => void target.listen(0, '127.0.0.1', resolve));
    const { port } = target.address() as AddressInfo;
    served = await serveFunctions({
      policy: { singleTenant: false },
      functions: [
        {
          name: 'reach',
          code: `return function()
            local ok, answer = pcall(http.get, "http://127.0.0.1:${port}/")
            return ok and answer and answer.body or "refused"
          end`,
          triggers: [{ name: 'web', http: { path: 'reach', receiver: open } }],
        },
        {
          name: 'goes-on',
          code: `return function()
            local results = {}
            for _, path in ipairs({ "held", "more" }) do
              local ok, answer = pcall(http.get, "http://127.0.0.1:${port}/" .. path)
              table.insert(results, ok and answer and answer.body or "refused")
            end
            return table.concat(results, ", ")
          end`,
          triggers: [{ name: 'web', http: { path: 'goes-on', receiver: open } }],
        },
        {
          name: 'ip',
          code: 'return function(event) return event.request.ip end',
          triggers: [{ name: 'web', http: { path: 'ip', receiver: open } }],
        },
      ],
    });
  });
  after(async () => {
    await served.close();
    target.close();
  });
  const get = async (name: string): Promise<string> =>
    (await fetch(`${served.url}/default/${name}`, { headers: { 'x-forwarded-for': '198.51.100.7' } })).text();
  /** Each thread hears of a policy by itself. */
  const comes = (name: string, text: string): Promise<boolean> =>
    eventually(`${text} of ${name}`, async () => (await get(name)) === text);

  test('egress and proxies follow it without a new revision of any function', async () => {
    const { policy, runtime } = served;
    assert.equal(await get('reach'), 'refused');
    assert.equal(await get('ip'), '127.0.0.1');
    const { port } = target.address() as AddressInfo;
    await runtime.setPolicy({
      ...policy,
      singleTenant: true,
      egress: { ...policy.egress, grants: [`127.0.0.1:${port}`] },
      trustedProxies: ['127.0.0.1'],
    });
    await comes('reach', 'reached');
    await comes('ip', '198.51.100.7');
    const running = get('goes-on');
    const answer = await held.promise;
    await runtime.setPolicy(policy);
    await comes('reach', 'refused');
    await comes('ip', '127.0.0.1');
    answer.writeHead(302, { location: '/' }).end();
    assert.equal(await running, 'refused, refused', 'neither the redirect nor what a call asks after it goes out');
  });
});
