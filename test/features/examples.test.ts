/** Every example in `examples/`, served from the folder as it is. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync, mkdtempSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { leastMs } from '../builders/least-time.ts';
import { startLocal, type LocalFixture } from '../builders/local-run.ts';

const examples = join(import.meta.dirname, '..', '..', 'examples');

interface Chat {
  readonly server: Server;
  readonly url: string;
  /** The next message somebody posts. */
  next(): Promise<{ readonly path: string; readonly body: unknown }>;
}

async function startChat(context: TestContext): Promise<Chat> {
  const messages: { path: string; body: unknown }[] = [];
  let wake = (): void => {};
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      messages.push({ path: request.url ?? '', body: JSON.parse(Buffer.concat(parts).toString('utf8')) });
      response.writeHead(200).end('ok');
      wake();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.close();
  });
  return {
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    next: async () => {
      while (messages.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const [message] = messages.splice(0, 1);
      assert.ok(message);
      return message;
    },
  };
}

async function serve(
  context: TestContext,
  options: Parameters<typeof startLocal>[1]['options'] = {},
): Promise<LocalFixture> {
  return startLocal(context, { files: {}, folder: examples, options });
}

test('the examples', async (context) => {
  const chat = await startChat(context);
  const envFile = join(mkdtempSync(join(tmpdir(), 'moonhook-env-')), 'secrets.env');
  writeFileSync(envFile, `chat.url=${chat.url}/room\n`);
  const local = await serve(context, { envFile, egressAllow: [chat.url.replace('http://', '')] });
  const json = async (path: string, init?: RequestInit): Promise<{ status: number; body: unknown }> => {
    const answer = await local.fetch(`/default${path}`, init);
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) };
  };

  await context.test('all are ready with no environment of their own, and say so', () => {
    const ready = [...local.run.states().values()].map(({ summary, verdict }) => [
      verdict.name,
      summary.conditions.find(({ type }) => type === 'Ready')?.reason,
      verdict.warnings,
    ]);
    assert.deepEqual(
      ready.filter(([, reason, warnings]) => reason !== 'Ready' || (warnings as readonly string[]).length > 0),
      [],
    );
    assert.deepEqual(local.run.diagnostics(), []);
  });

  await context.test('each folder has its line in the README', () => {
    const readme = readFileSync(join(examples, 'README.md'), 'utf8');
    const folders = readdirSync(examples, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    assert.ok(folders.length >= 6);
    for (const { name } of folders) {
      const link = new RegExp(String.raw`^\| \[${name}\]\((${name}/[^)]+)\)\s*\|`, 'm').exec(readme)?.[1];
      assert.ok(link, `examples/README.md has no line for ${name}`);
      assert.ok(readFileSync(join(examples, link), 'utf8').includes('kind: WebhookFunction'));
    }
  });

  await context.test('hello greets', async () => {
    assert.deepEqual(await json('/hello?name=Ada'), { status: 200, body: { message: 'hello, Ada' } });
    assert.deepEqual(await json('/hello'), { status: 200, body: { message: 'hello, world' } });
  });

  await context.test('a signed GitHub push becomes a chat message; an unsigned or other one does not', async () => {
    const body = readFileSync(join(examples, 'github-to-chat', 'push.json'));
    const push = (payload: Buffer, key: string, delivery: string): Promise<Response> =>
      local.fetch('/default/github/deploy-notes', {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-github-event': 'push',
          'x-github-delivery': delivery,
          'x-hub-signature-256': `sha256=${createHmac('sha256', key).update(payload).digest('hex')}`,
        },
        body: new Uint8Array(payload),
      });
    const secret = 'demo-secret-that-everyone-knows';
    assert.equal((await push(body, 'another-secret-altogether', '1b0f7c9e-0000-4000-8000-000000000001')).status, 401);
    const branch = Buffer.from(body.toString('utf8').replace('"refs/heads/main"', '"refs/heads/draft"'));
    assert.equal((await push(branch, secret, '1b0f7c9e-0000-4000-8000-000000000002')).status, 202);
    assert.equal((await push(body, secret, '1b0f7c9e-0000-4000-8000-000000000003')).status, 202);
    assert.deepEqual(await chat.next(), {
      path: '/room',
      body: {
        text: [
          'ines-okafor pushed 2 commits to main of harbour-labs/tide-tables',
          '- 9a1b2c3 Round heights to centimetres',
          '- c41d9e8 Say which harbour a table is for',
        ].join('\n'),
      },
    });
  });

  await context.test('the items API creates, lists, refuses and removes', async () => {
    const put = (body: unknown): Promise<{ status: number; body: unknown }> =>
      json('/items/42', {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    assert.deepEqual(await json('/items'), { status: 200, body: { items: [] } });
    assert.equal((await put({ title: 7 })).status, 400);
    assert.equal((await put({ title: 'lamp' })).status, 201);
    assert.equal((await put({ title: 'desk lamp' })).status, 200);
    const { body } = await json('/items');
    assert.partialDeepStrictEqual(body, { items: [{ id: '42', title: 'desk lamp' }] });
    assert.equal((await json('/items/42', { method: 'DELETE' })).status, 204);
    assert.equal((await json('/items/42')).status, 404);
    assert.equal((await json('/items/42', { method: 'PATCH' })).status, 405);
  });

  await context.test('the counter counts each call once, and a claim is made once', async () => {
    const counts = await Promise.all(Array.from({ length: 20 }, () => json('/counter/visits', { method: 'POST' })));
    const numbers = counts.map(({ body }) => (body as { count: number }).count).sort((a, b) => a - b);
    assert.deepEqual(
      numbers,
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
    const claims = await Promise.all(
      Array.from({ length: 5 }, () => json('/counter/claim/seat-7', { method: 'POST' })),
    );
    assert.deepEqual(
      claims.map(({ status }) => status).sort((a, b) => a - b),
      [200, 409, 409, 409, 409],
    );
  });

  await context.test('parallel calls wait together, and one that fails leaves the others', async () => {
    const took = await leastMs(550, async () => {
      const { body } = await json('/overview');
      assert.deepEqual(body, {
        orders: { source: 'orders', value: 12 },
        stock: { source: 'stock', value: 340 },
        weather: { error: 'status 503' },
      });
    });
    // Each of the three waits 200 ms.
    assert.ok(took >= 200 && took < 550, `${took} ms`);
  });

  await context.test('links signed with a secret open until a letter is changed', async () => {
    const { body } = await json('/links/new?file=tide%20table.pdf');
    const { link } = body as { link: string };
    assert.match(link, /^\/links\/open\?file=tide%20table\.pdf&expires=\d+&proof=[0-9a-f]{64}$/);
    assert.deepEqual(await json(link), { status: 200, body: { file: 'tide table.pdf' } });
    assert.equal((await json(link.replace('tide', 'time'))).status, 403);
    assert.equal((await json(link.replace(/expires=\d/, 'expires=9'))).status, 403);
  });
});
