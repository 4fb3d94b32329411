/**
 * A function that makes its secret part of errors, logs and host calls tells it to nobody: no log, record, delivery,
 * metric, status or problem has it. Each way is tried with a value that is no secret as well, which must be found.
 */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { startLocal, type LocalFixture } from '../builders/local-run.ts';

/** One of each form; in `error("user:" .. value)` and the like nothing of them is special. */
const hidden = { plain: 'Zq7-hidden-9f3kd82XX1', odd: 'p@ss w/0rd?&#=%hidden' };
/** Read by a receiver whose verifier is the function itself. */
const verifier = 'Zq7-hidden-of-verifier';
const told = { plain: 'Zq7-told-it-9f3kd82XX1', odd: 'p@ss w/0rd?&#=%told-it' };

/** Lua of the ways; `K` is a value of plain letters, `O` one with characters that addresses encode. */
const ways: Readonly<Record<string, string>> = {
  'an error': 'error(K)',
  'an error within words': 'error("cannot log in as admin:" .. O .. " here")',
  'an error table': 'error({ message = K, detail = { O, [K] = { O } } })',
  'a permanent failure': 'error(fail(K))',
  'a failed assertion': 'assert(false, "with " .. O)',
  'nil and an error': 'return nil, K',
  'a value that shows itself': 'error(setmetatable({}, { __tostring = function() return K end }))',
  'an error of a coroutine': 'coroutine.wrap(function() error(K) end)()',
  'an error handled and thrown again': 'local _, e = pcall(error, K) error("again: " .. tostring(e))',
  'a debug traceback': 'error(debug.traceback(K))',
  'a module that is not there': 'require(K)',
  'a chunk that does not compile': 'assert(load(K .. " = = 1"))',
  'a long chunk that is cut': 'assert(load("local a_rather_long_name_of_it = " .. K .. " ="))',
  'a log line': 'log.info(K) error("x")',
  'fields of a log line': 'log.warn("x", { key = K, list = { O }, [O] = true }) error("x")',
  'printed text': 'print("key", K) error("x")',
  'a log line of bytes': 'log.info("\\255" .. K) error("x")',
  'base64 of it behind a user name': 'error("Basic " .. base64.encode("user:" .. O))',
  'hexadecimal notation of it': 'error((K:gsub(".", function(c) return string.format("%02x", c:byte()) end)))',
  'JSON of it': 'error(json.encode({ key = O }))',
  'the host of an address': 'assert(http.get("http://" .. K .. ".invalid/"))',
  'a function that is not there': 'assert(call(K:lower()))',
  'a key': 'kv.set(K, 1) error("x")',
  'a header name of the answer': 'return { status = 200, headers = { [O] = "x" } }',
  'a regular expression': 'error(select(2, pcall(re.match, "x", "(" .. K)))',
};

const wayCode = (code: string): string => `function(K, O) ${code} end`;
const functionCode = `local ways = {
${Object.entries(ways)
  .map(([name, code]) => `  ["${name}"] = ${wayCode(code)},`)
  .join('\n')}
}
return {
  default = function(event)
    if event.data.way == "answer" then return { body = env.K } end
    return ways[event.data.way](env.K, env.O)
  end,
  verify = function(request, secrets)
    if request.query.way == "secret" then return nil, "it is not " .. secrets[1] end
    if request.query.way == "error" then error("no: " .. env.K) end
    return nil, "it is not " .. env.K
  end,
}`;

const indent = (text: string, spaces: number): string => text.replaceAll(/^/gm, ' '.repeat(spaces));

const triggers = (name: string): string => `  triggers:
    - { name: now, http: { path: ${name}/now, receiver: { open: {} } } }
    - { name: job, retry: { schedule: [1ms] }, http: { path: ${name}/job, mode: async, receiver: { open: {} } } }
    - name: filtered
      filter: 'error("filter: " .. env.K)'
      http: { path: ${name}/filtered, receiver: { open: {} } }
    - { name: verified, http: { path: ${name}/verified, receiver: { custom: { handler: verify, secretRefs: [{ name: keys, key: verifier }] } } } }
`;

const secretEnv = `  env:
    - { name: K, valueFrom: { secretKeyRef: { name: keys, key: plain } } }
    - { name: O, valueFrom: { secretKeyRef: { name: keys, key: odd } } }
`;
const openEnv = `  env:
    - { name: K, value: ${JSON.stringify(told.plain)} }
    - { name: O, value: ${JSON.stringify(told.odd)} }
`;

const resource = (name: string, env: string, code: string, more = ''): string => `---
apiVersion: moonhook.dev/v1alpha1
kind: WebhookFunction
metadata: { name: ${name} }
spec:
${env}  code: |
${indent(code, 4)}
${more}`;

const files = {
  'a.yaml': [
    resource('hides', secretEnv, functionCode, triggers('hides')),
    resource('tells', openEnv, functionCode, triggers('tells')),
    resource('hides-at-load', secretEnv, 'error("at load: " .. env.K)'),
    resource('tells-at-load', openEnv, 'error("at load: " .. env.K)'),
    resource(
      'watch',
      '',
      'return function(event) log.info("watched", { error = event.data.error }) end',
      '  triggers: [{ name: dead, event: { type: dev.moonhook.call.dead } }]\n',
    ),
    `---
apiVersion: v1
kind: Secret
metadata: { name: keys }
stringData: ${JSON.stringify({ ...hidden, verifier })}
`,
  ].join(''),
};

/** Whether a text has a value, in capitals or not, as it is, cut short, or as it is commonly written. */
function has(text: string, { plain, odd }: typeof hidden): boolean {
  const folded = text.toLowerCase();
  const base64 = Buffer.from(`user:${odd}`).toString('base64').slice(8, -4);
  return [
    plain,
    plain.slice(0, 11),
    odd,
    encodeURIComponent(odd),
    new URLSearchParams({ odd }).toString().slice(4),
    base64,
    Buffer.from(plain).toString('hex'),
  ].some((form) => folded.includes(form.toLowerCase()));
}

interface Answered {
  readonly status: number;
  readonly text: string;
  readonly id: string;
}

class Run {
  readonly local: LocalFixture;
  constructor(local: LocalFixture) {
    this.local = local;
  }

  async #read(response: Response): Promise<Answered> {
    return {
      status: response.status,
      text: await response.text(),
      id: response.headers.get('x-call-id') ?? '',
    };
  }

  async send(path: string, way: string): Promise<Answered> {
    const headers = { 'content-type': 'application/json' };
    return this.#read(
      await this.local.fetch(`/default/${path}`, { method: 'POST', headers, body: JSON.stringify({ way }) }),
    );
  }

  /** As a caller that may see why a call failed. */
  async call(name: string, way: string): Promise<Answered> {
    const headers = { authorization: `Bearer ${this.local.token}`, 'content-type': 'application/json' };
    const url = `${this.local.run.addresses.calls}/function/default/${name}`;
    return this.#read(await fetch(url, { method: 'POST', headers, body: JSON.stringify({ way }) }));
  }

  async ask(path: string): Promise<string> {
    const headers = { authorization: `Bearer ${this.local.token}` };
    const response = await fetch(`${this.local.run.addresses.admin}${path}`, { headers });
    const text = await response.text();
    assert.equal(response.status, 200, `${path}: ${text}`);
    return text;
  }

  async explain(id: string): Promise<string> {
    return this.ask(`/-/api/explain?namespace=default&id=${encodeURIComponent(id)}`);
  }

  /** Resolves when every delivery has ended. */
  async settled(): Promise<string> {
    for (;;) {
      const text = await this.ask('/-/api/namespaces/default/deliveries?limit=1000');
      const { items } = JSON.parse(text) as { items: readonly { state: string }[] };
      if (items.every(({ state }) => state !== 'waiting' && state !== 'running')) return text;
    }
  }
}

const start = async (t: TestContext): Promise<Run> => new Run(await startLocal(t, { files }));

suite('secrets through errors', { timeout: 120_000 }, () => {
  test('are in nothing that is told of a call, while the same of other values is', async (t) => {
    const run = await start(t);
    const ids: string[] = [];
    const problems: string[] = [];
    for (const way of Object.keys(ways)) {
      const stories: string[] = [];
      for (const name of ['hides', 'tells']) {
        const [now, job, called] = await Promise.all([
          run.send(`${name}/now`, way),
          run.send(`${name}/job`, way),
          run.call(name, way),
        ]);
        ids.push(now.id, job.id, called.id);
        if (name === 'hides') problems.push(now.text, job.text, called.text);
        const story = (await Promise.all([now, called].map(({ id }) => run.explain(id)))).join('');
        stories.push(`${story}${called.text}`);
        // What strangers see is not told why.
        assert.ok(now.status >= 500 && !has(now.text, told), now.text);
      }
      const [hides = '', tells = ''] = stories;
      assert.ok(has(tells, told), `control: ${way} tells a value that is no secret: ${tells}`);
      assert.ok(!has(hides, hidden), `${way}: ${hides}`);
      assert.ok(hides.includes('***'), hides);
    }
    for (const name of ['hides', 'tells']) {
      ids.push((await run.send(`${name}/filtered`, 'x')).id);
      for (const way of ['error', 'refusal', 'secret'])
        ids.push((await run.send(`${name}/verified?way=${way}`, 'x')).id);
    }
    const deliveries = await run.settled();
    const { items } = JSON.parse(deliveries) as {
      items: readonly { metadata: { name: string }; to: { name: string }; state: string }[];
    };
    const dead = items.filter(({ state }) => state === 'dead');
    const watched = (): readonly string[] => run.local.logged.filter((line) => line.includes('watched'));
    // Each death is an event; what its subscriber logs comes with the records of its call.
    while (watched().length < dead.length) await run.ask('/-/api/status');
    const outputs: Record<string, string> = {
      'the process log': run.local.logged.join('\n'),
      'what is printed': run.local.lines.join('\n'),
      records: await run.ask('/-/api/calls?limit=1000'),
      stories: (await Promise.all(ids.map((id) => run.explain(id)))).join('\n'),
      deliveries,
      'each delivery': (
        await Promise.all(
          items.map(({ metadata }) =>
            run.ask(`/-/api/namespaces/default/delivery?id=${encodeURIComponent(metadata.name)}`),
          ),
        )
      ).join('\n'),
      'the list of functions': await run.ask('/-/api/functions'),
      'what is said of code that does not load': `${await run.ask('/-/api/functions/default/hides-at-load')} ${await run.ask('/-/api/functions/default/tells-at-load')}`,
      'the table': await run.ask('/-/api/table'),
      'what subscribers of dead calls see': watched().join('\n'),
    };
    for (const [name, text] of Object.entries(outputs)) {
      assert.ok(!has(text, hidden), `${name}: ${where(text, hidden)}`);
      assert.ok(has(text, told), `control: ${name}: ${text.slice(0, 2000)}`);
    }
    const refused = await run.explain(ids.at(-1) ?? '');
    assert.match(refused, /it is not \*\*\*/, 'the secrets that a verifier in Lua is given');
    const silent = [
      await run.ask('/metrics'),
      await run.ask('/-/api/functions/default/hides'),
      await run.ask('/-/api/status'),
      ...problems,
    ];
    for (const text of silent) assert.ok(!has(text, hidden), where(text, hidden));
  });

  test('stay in what the function itself answers', async (t) => {
    const run = await start(t);
    assert.deepEqual(
      [(await run.send('hides/now', 'answer')).text, (await run.call('hides', 'answer')).text],
      [hidden.plain, hidden.plain],
    );
  });
});

/** The lines that have it. */
function where(text: string, value: typeof hidden): string {
  return text
    .split(/\n|(?<=[,}])/)
    .filter((line) => has(line, value))
    .join('\n')
    .slice(0, 3000);
}
