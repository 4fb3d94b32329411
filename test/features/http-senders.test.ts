/** Who may call a trigger: verification on the raw bytes, what a refused sender learns, what is kept of a credential. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, suite, test } from 'node:test';
import { serveFunctions, type ServedFunctions } from '../builders/serve-functions.ts';

const secret = 'a secret that is long enough';
const reference = [{ name: 'sender', key: 'secret' }];
const sign = (body: string): string => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

suite('senders', () => {
  let served: ServedFunctions;
  before(async () => {
    served = await serveFunctions({
      secrets: { 'sender/secret': secret },
      functions: [
        {
          name: 'hooks',
          code: `
            local function show(event)
              local names = {}
              for name in pairs(event.request.headers) do names[#names + 1] = name end
              table.sort(names)
              return { headers = table.concat(names, " "), query = event.request.query, path = event.request.path,
                       params = event.request.params, sender = event.sender, name = event.name }
            end
            return { missing = show, bearer = show, github = show, url = show,
              custom = show,
              check = function(request, secrets)
                if request.headers["x-proof"] == secrets[1] then return { id = "custom-1", type = "made" } end
                return nil, "the proof is wrong"
              end }`,
          triggers: [
            { name: 'bearer', http: { path: 'bearer', receiver: { bearer: { secretRefs: reference } } } },
            {
              name: 'github',
              http: { path: 'github', mode: 'sync', receiver: { github: { secretRefs: reference, events: ['push'] } } },
            },
            {
              name: 'url',
              http: { path: 'url', receiver: { urlSecret: { secretRefs: reference, query: 'code' } } },
            },
            {
              name: 'custom',
              http: { path: 'custom', receiver: { custom: { secretRefs: reference, handler: 'check' } } },
            },
            {
              name: 'missing',
              http: { path: 'missing', receiver: { bearer: { secretRefs: [{ name: 'none', key: 'x' }] } } },
            },
          ],
        },
      ],
    });
  });
  after(() => served.close());

  const at = (path: string): string => `${served.url}/default/${path}`;

  test('a bearer token opens the route, and the function does not see it', async () => {
    const response = await fetch(at('bearer'), { headers: { authorization: `Bearer ${secret}` } });
    assert.equal(response.status, 200);
    const shown = (await response.json()) as { headers: string; sender: unknown };
    assert.doesNotMatch(shown.headers, /authorization/);
    assert.match(shown.headers, /user-agent/);
    assert.deepEqual(shown.sender, { name: 'bearer', verified: 'secret' });
  });

  test('a wrong or missing token is 401 without a reason; the reason is in the record, the token is not', async () => {
    const wrong = 'another token entirely';
    for (const headers of [{ authorization: `Bearer ${wrong}` }, {}]) {
      const response = await fetch(at('bearer'), { headers });
      assert.equal(response.status, 401);
      const body = (await response.json()) as { code: string; detail?: string; callId: string };
      assert.equal(body.code, 'Unverified');
      assert.equal(body.detail, undefined);
      const record = await served.record({ id: body.callId });
      assert.equal(record.outcome, 'unverified');
      assert.ok((record.steps ?? []).length > 0);
      assert.doesNotMatch(JSON.stringify(record), new RegExp(wrong));
    }
    assert.ok((await served.metric('receiver_rejections_total{receiver="bearer",reason="TokenMismatch"}')) >= 1);
  });

  test('a refused request is kept in full for its owner, credentials masked', async () => {
    const response = await fetch(at('github'), {
      method: 'POST',
      headers: { 'x-hub-signature-256': sign('other'), 'x-github-event': 'push', cookie: 'session=1' },
      body: '{"ref":"x"}',
    });
    assert.equal(response.status, 401);
    const record = await served.record({ id: response.headers.get('x-call-id') ?? '' });
    const { captured } = record;
    assert.equal(Buffer.from(captured?.bodyBase64 ?? '', 'base64').toString(), '{"ref":"x"}');
    const headers = new Map(captured?.headers);
    assert.equal(headers.get('x-github-event'), 'push');
    assert.equal(headers.get('cookie'), '***');
    assert.equal(headers.get('x-hub-signature-256'), '***');
  });

  test('a signature over the raw bytes opens the route; events that are not wanted are accepted and not run', async () => {
    const body = '{"ref": "refs/heads/main"}';
    const send = (event: string): Promise<Response> =>
      fetch(at('github'), {
        method: 'POST',
        headers: {
          'x-hub-signature-256': sign(body),
          'x-github-event': event,
          'x-github-delivery': `delivery-${event}`,
          'content-type': 'application/json',
        },
        body,
      });
    const push = await send('push');
    assert.equal(push.status, 200);
    assert.equal(((await push.json()) as { name: string }).name, 'push');
    const star = await send('star');
    assert.ok(star.status >= 200 && star.status < 300);
    const record = await served.record({ id: 'delivery-star' });
    assert.equal(record.outcome, 'filtered');
    assert.equal(record.cpuMs, undefined);
  });

  test('the ping of GitHub is answered by the host', async () => {
    const body = '{"zen":"x"}';
    const response = await fetch(at('github'), {
      method: 'POST',
      headers: {
        'x-hub-signature-256': sign(body),
        'x-github-event': 'ping',
        'x-github-delivery': 'delivery-ping',
        'content-type': 'application/json',
      },
      body,
    });
    assert.ok(response.ok);
    const record = await served.record({ id: 'delivery-ping' });
    assert.equal(record.outcome, 'ok');
    assert.equal(record.cpuMs, undefined);
  });

  test('a secret in the query is hidden from function and record', async () => {
    const response = await fetch(`${at('url')}?code=${encodeURIComponent(secret)}&kept=1`);
    assert.equal(response.status, 200);
    const shown = (await response.json()) as { query: Record<string, string> };
    assert.deepEqual(shown.query, { kept: '1' });
    const record = await served.record({ id: response.headers.get('x-call-id') ?? '' });
    assert.equal(record.request?.target, '/default/url?code=***&kept=1');
    const escaped = await fetch(`${at('url')}?%63ode=${encodeURIComponent(secret)}`);
    const other = await served.record({ id: escaped.headers.get('x-call-id') ?? '' });
    assert.doesNotMatch(JSON.stringify(other), /long%20enough|long enough/);
  });

  test('a verifier in Lua lets requests in and keeps others out', async () => {
    const good = await fetch(at('custom'), { headers: { 'x-proof': secret } });
    assert.equal(good.status, 200);
    assert.equal(((await good.json()) as { name: string }).name, 'made');
    const bad = await fetch(at('custom'), { headers: { 'x-proof': 'no' } });
    assert.equal(bad.status, 401);
    assert.doesNotMatch(await bad.text(), /proof/);
  });

  test('a receiver whose secret is missing answers 503 and never passes', async () => {
    const response = await fetch(at('missing'), { headers: { authorization: 'Bearer ' } });
    assert.equal(response.status, 503);
    assert.ok(Number(response.headers.get('retry-after')) > 0);
    assert.equal(((await response.json()) as { code: string }).code, 'NotResolved');
  });
});
