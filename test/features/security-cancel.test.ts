/** `cancel` with ids that a stranger chose: it ends what the function itself put off, under an id that cannot be guessed. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

const open = { open: {} };

suite('cancel', () => {
  let served: ServedFunctions;
  before(async () => {
    const worker = (namespace: string, name: string) => ({
      name,
      namespace,
      code: `return {
        put = function() return assert(later("remind", nil, { delay = 3600, key = "reminder" })) end,
        drop = function(event) return tostring(cancel(event.request.query.id)) end,
        order = function() end,
        remind = function() end,
      }`,
      triggers: [
        { name: 'put', http: { path: `${name}/put`, receiver: open } },
        { name: 'drop', http: { path: `${name}/drop`, receiver: open } },
        {
          name: 'order',
          http: { path: `${name}/order`, mode: 'async' as const, receiver: open, debounce: { wait: '1h' } },
        },
      ],
    });
    served = await serveFunctions({
      settings: { workers: 1 },
      functions: [worker('team-a', 'shop'), worker('team-a', 'other'), worker('team-b', 'shop')],
    });
  });
  after(() => served.close());

  const post = async (path: string): Promise<Response> => {
    const response = await fetch(served.url + path, { method: 'POST' });
    assert.ok(response.ok, path);
    return response;
  };
  const put = async (): Promise<string> => (await post('/team-a/shop/put')).text();
  const drop = async (who: string, id: string): Promise<string> =>
    (await post(`/${who}/drop?id=${encodeURIComponent(id)}`)).text();
  const waiting = (): Promise<number> => served.metric('deliveries{state="waiting"}');

  test('ends nothing of another function or namespace, nor what others have sent to this one', async () => {
    const id = await put();
    const sent = (await post('/team-a/shop/order')).headers.get('x-call-id') ?? '';
    assert.equal(await waiting(), 2);
    for (const who of ['team-a/other', 'team-b/shop']) {
      for (const name of [id, 'reminder', sent]) assert.equal(await drop(who, name), 'false', `${who} ${name}`);
    }
    for (const name of [sent, '%', `${id.slice(0, -1)}_`, 'later:shop:reminder', 'debounce:']) {
      assert.equal(await drop('team-a/shop', name), 'false', name);
    }
    assert.equal(await waiting(), 2);
    assert.equal(await drop('team-a/shop', id), 'true', 'control');
    assert.equal(await drop('team-a/shop', id), 'false');
    assert.equal(await waiting(), 1);
  });

  test('of two ids that come one after the other none says what the other is', async () => {
    const ids = [await put(), await put()];
    const [one = '', other = ''] = ids.map((id) => /-([\w-]{12})$/.exec(id)?.[1]);
    assert.ok(one !== '' && other !== '' && one !== other, ids.join(' '));
    assert.equal(await drop('team-a/shop', 'reminder'), 'true', 'by its key, as before');
  });
});
