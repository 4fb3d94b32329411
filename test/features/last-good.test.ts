/** Edits of what serves: new code in one step, broken code never, gates always at once, and no request lost meanwhile. */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { serveFunctions, type FunctionUnderTest, type ServedFunctions } from '../builders/serve-functions.ts';

const open = { open: {} };
const version = (text: string, more: Partial<FunctionUnderTest> = {}): FunctionUnderTest => ({
  name: 'edited',
  code: `return function() return "${text}" end`,
  triggers: [{ name: 'web', http: { path: 'edited', receiver: open } }],
  ...more,
});

suite('last good code', () => {
  let served: ServedFunctions;
  before(async () => {
    served = await serveFunctions({
      settings: { workers: 2 },
      secrets: { 'gate/token': 'a token that is long enough' },
    });
  });
  after(() => served.close());

  const read = async (): Promise<readonly [number, string]> => {
    const response = await fetch(`${served.url}/default/edited`, { headers: { connection: 'close' } });
    return [response.status, await response.text()];
  };

  test('before the first table there is no answer but 503, and the runtime is not ready', async () => {
    const early = await serveFunctions({ serveNothing: true });
    try {
      assert.equal((await fetch(`${early.url}/default/edited`)).status, 503);
      assert.equal((await fetch(`${early.admin}/readyz`)).status, 503);
      assert.equal((await fetch(`${early.admin}/healthz`)).status, 200);
      await early.serve(version('one'));
      assert.equal((await fetch(`${early.admin}/readyz`)).status, 200);
      assert.equal((await fetch(`${early.url}/default/edited`)).status, 200);
    } finally {
      await early.close();
    }
  });

  test('new code serves on all workers when the acknowledgement is there', async () => {
    const [first] = await served.serve(version('one'));
    assert.equal(first?.accepted, true);
    for (let index = 0; index < 8; index += 1) assert.deepEqual(await read(), [200, 'one']);
    const [second] = await served.serve(version('two'));
    assert.equal(second?.accepted, true);
    assert.notEqual(second?.revision, first?.revision);
    for (let index = 0; index < 8; index += 1) assert.deepEqual(await read(), [200, 'two']);
  });

  test('code that does not parse, load or answer its triggers is rejected with a place; the old code serves on', async () => {
    const [good] = await served.serve(version('good'));
    const broken = [
      ['return function( return 1 end', 'LuaSyntax'],
      ['error("at load")', 'LuaLoad'],
      ['return { other = function() end }', 'NoHandler'],
    ] as const;
    for (const [code, reason] of broken) {
      const [rejected] = await served.serve(version('', { code }));
      assert.equal(rejected?.accepted, false);
      assert.equal(rejected?.reason, reason);
      assert.equal(rejected?.servingRevision, good?.revision);
      assert.deepEqual(await read(), [200, 'good']);
    }
    const [again] = await served.serve(version('mended'));
    assert.equal(again?.accepted, true);
    assert.deepEqual(await read(), [200, 'mended']);
  });

  test('a broken edit of the code takes its new gates with it', async () => {
    await served.serve(version('good'));
    const gated = {
      name: 'web',
      http: { path: 'edited', receiver: { bearer: { secretRefs: [{ name: 'gate', key: 'token' }] } } },
    };
    await served.serve(version('', { code: 'return function( end', triggers: [gated] }));
    assert.equal((await read())[0], 401);
    const proven = await fetch(`${served.url}/default/edited`, {
      headers: { authorization: 'Bearer a token that is long enough' },
    });
    assert.deepEqual([proven.status, await proven.text()], [200, 'good']);
    await served.serve(version('', { code: 'return function( end', suspend: true }));
    assert.equal((await read())[0], 503);
  });

  test('a broken filter beside broken code closes its trigger and leaves the others to the old code', async () => {
    const two = (filter: string, code: string): FunctionUnderTest => ({
      name: 'edited',
      code,
      triggers: [
        { name: 'web', http: { path: 'edited', receiver: open } },
        { name: 'other', filter, http: { path: 'other', receiver: open } },
      ],
    });
    await served.serve(two('true', 'return function() return "good" end'));
    await served.serve(two('event.data ==', 'return function( end'));
    assert.deepEqual(await read(), [200, 'good']);
    assert.equal((await fetch(`${served.url}/default/other`)).status, 503);
  });

  test('a function that never loaded answers 503; one that is deleted 404', async () => {
    await served.serve(version('', { name: 'never', code: 'return function( end' }));
    const response = await fetch(`${served.url}/default/edited`);
    assert.equal(response.status, 503);
    await served.serve();
    assert.equal((await fetch(`${served.url}/default/edited`)).status, 404);
  });

  test('no request fails while its function is edited again and again, waiting calls included', async () => {
    await served.serve(version('v0'));
    const edits = new AbortController();
    const seen = new Set<string>();
    const failed: string[] = [];
    const reader = async (): Promise<void> => {
      while (!edits.signal.aborted) {
        const response = await fetch(`${served.url}/default/edited`);
        const text = await response.text();
        if (response.status === 200 && /^v\d+$/.test(text)) seen.add(text);
        else failed.push(`${response.status} ${text}`);
      }
    };
    const readers = [reader(), reader(), reader(), reader()];
    for (let edit = 1; edit <= 40; edit += 1) {
      const code = edit % 2 === 0 ? `return function() sleep(0.005) return "v${edit}" end` : undefined;
      await served.serve(version(`v${edit}`, code === undefined ? {} : { code }));
    }
    edits.abort();
    await Promise.all(readers);
    assert.deepEqual(failed, []);
    assert.ok(seen.size > 3, `${seen.size} versions were seen`);
  });
});
