/** Verifiers in Lua run for strangers: how much of them runs at once is bounded before anything else of the function is. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

const secret = 'a secret of some length';

suite('verifiers in Lua', () => {
  let served: ServedFunctions;
  before(async () => {
    const receiver = { custom: { secretRefs: [{ name: 'acme', key: 'secret' }], handler: 'check' } };
    const code = `
      return {
        check = function(request, secrets)
          if request.headers["x-work"] then while true do end end
          return request.headers["x-proof"] == secrets[1]
        end,
        web = function(event) return "in" end,
      }`;
    served = await serveFunctions({
      settings: { workers: 1 },
      secrets: { 'acme/secret': secret },
      functions: [
        { name: 'slow', code, triggers: [{ name: 'web', http: { path: 'slow', receiver } }] },
        { name: 'other', code, triggers: [{ name: 'web', http: { path: 'other', receiver } }] },
      ],
    });
  });
  after(() => served.close());

  const ask = async (name: string, headers: Readonly<Record<string, string>>): Promise<number> => {
    const answer = await fetch(`${served.url}/default/${name}`, { headers });
    await answer.arrayBuffer();
    return answer.status;
  };
  const proof = { 'x-proof': secret };

  test('run for a few strangers at once, some wait, and the rest is turned away unverified', async () => {
    const flood = Promise.all(Array.from({ length: 90 }, async () => ask('slow', { 'x-work': 'much' })));
    const statuses = await flood;
    const turnedAway = statuses.filter((status) => status === 429).length;
    assert.ok(turnedAway >= 40, `turned away: ${turnedAway}`);
    assert.ok(statuses.includes(401), 'control: some ran, to the end of their time');
    assert.deepEqual(
      statuses.filter((status) => status !== 429 && status !== 401),
      [],
    );
  });

  test('of another function are not turned away meanwhile, and the places come back', async () => {
    const flood = Promise.all(Array.from({ length: 20 }, async () => ask('slow', { 'x-work': 'much' })));
    assert.equal(await ask('other', proof), 200);
    assert.equal(await ask('other', { 'x-proof': 'wrong' }), 401);
    assert.equal(await ask('slow', proof), 200, 'who waits has his turn');
    await flood;
    assert.equal(await ask('slow', proof), 200);
  });

  test('that are quick turn nobody away, however many ask', async () => {
    const statuses = await Promise.all(Array.from({ length: 30 }, async () => ask('other', proof)));
    assert.deepEqual(
      statuses.filter((status) => status !== 200),
      [],
    );
  });
});
