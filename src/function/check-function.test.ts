import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFunctionCheck } from './check-function.ts';
import type { Mistake } from './mistakes.ts';
import type { ReceiverSchemas } from './schema-receivers.ts';

const receivers: ReceiverSchemas = new Map([
  ['open', { profile: { name: 'open', title: 'Anyone', secretsRequired: 0 }, fields: {}, required: [] }],
  [
    'github',
    { profile: { name: 'github', title: 'GitHub', secretsRequired: 1 }, fields: {}, required: ['secretRefs'] },
  ],
  [
    'hmac',
    {
      profile: { name: 'hmac', title: 'Any HMAC', secretsRequired: 1 },
      fields: { algorithm: { type: 'string', enum: ['sha256', 'sha512'], description: 'Hash.' } },
      required: ['algorithm'],
    },
  ],
]);

const check = createFunctionCheck(receivers);

const valid = (): Record<string, unknown> => ({
  apiVersion: 'moonhook.dev/v1alpha1',
  kind: 'WebhookFunction',
  metadata: { name: 'hello' },
  spec: { code: 'return 1', triggers: [{ name: 'hi', http: { path: 'hello', receiver: { open: {} } } }] },
});

/** A valid document with one place changed; `undefined` removes it. */
function changed(path: string, value: unknown): unknown {
  const document = valid();
  const keys = path.split('.');
  let target: Record<string, unknown> = document;
  for (const key of keys.slice(0, -1)) target = target[key] as Record<string, unknown>;
  const last = keys.at(-1) ?? '';
  if (value === undefined) delete target[last];
  else target[last] = value;
  return document;
}

function mistakesOf(document: unknown): readonly Mistake[] {
  const result = check(document);
  return result.ok ? [] : result.mistakes;
}

test('a small function passes and comes back as it was', () => {
  const document = valid();
  assert.deepEqual(check(document), { ok: true, function: document });
});

test('every field of the documented example passes', () => {
  const result = check({
    apiVersion: 'moonhook.dev/v1alpha1',
    kind: 'WebhookFunction',
    metadata: { name: 'deploy-on-push', namespace: 'team-a', labels: { 'a/b': 'c' } },
    spec: {
      class: 'canary',
      suspend: true,
      codeFrom: { configMapKeyRef: { name: 'hooks', key: 'deploy.lua' } },
      modules: [{ name: 'util', configMapKeyRef: { name: 'hooks', key: 'util.lua' } }],
      modulesFrom: [{ configMapRef: { name: 'lib' } }],
      env: [
        { name: 'SLACK_URL', valueFrom: { secretKeyRef: { name: 'slack', key: 'url' } } },
        { name: 'CHANNEL', value: '#ops' },
      ],
      envFrom: [{ configMapRef: { name: 'settings' } }],
      serviceAccountName: 'team-a-hooks',
      limits: { timeout: '10s', cpuTime: '1s', memory: '16Mi', concurrency: 100, requestBody: 1048576, hostCalls: 100 },
      egress: { allow: ['hooks.slack.com', '*.example.com', '192.0.2.0/24', '2001:db8::1'] },
      retry: { schedule: ['5s', '1m'] },
      callback: { secretRefs: [{ name: 'c', key: 'k' }], urls: ['*.example.com'] },
      triggers: [
        {
          name: 'push',
          filter: 'event.data.ref == "refs/heads/main"',
          http: {
            path: 'deploy',
            methods: ['POST'],
            receiver: {
              github: { secretRefs: [{ name: 'github', key: 'secret' }], events: ['push', 'pull_request.*'] },
            },
            mode: 'sync',
            ackAfter: '2500ms',
            publish: true,
            cors: { origins: ['https://app.example.com'], credentials: true, maxAge: '0s' },
            rate: { requests: 10, per: '1m', key: 'event.request.ip' },
            dedup: { key: 'event.id', window: '72h' },
            concurrency: { limit: 3 },
          },
        },
        { name: 'api', http: { routes: [{ path: 'items/:id', methods: ['GET', 'PUT'] }], receiver: { open: {} } } },
        {
          name: 'crashing',
          kubernetes: {
            apiVersion: 'v1',
            kind: 'Pod',
            namespaces: { from: 'Names', names: ['a'] },
            labelSelector: { matchLabels: { app: 'web' }, matchExpressions: [{ key: 'tier', operator: 'Exists' }] },
            events: ['Added', 'Left'],
            changed: 'return 1',
            initial: 'Each',
            debounce: { wait: '2s', maxWait: '30s' },
          },
        },
        {
          name: 'nightly',
          schedule: { cron: '0 3 * * *', timeZone: 'Europe/Berlin', missed: 'RunOnce', data: { depth: 7 } },
        },
        { name: 'orders', event: { type: 'com.acme.order.*', source: '/shop' } },
      ],
    },
  });
  assert.deepEqual(result.ok ? [] : result.mistakes, []);
});

test('a misspelt field is one mistake with the field that was meant', () => {
  assert.deepEqual(mistakesOf(changed('spec.triggers.0.http', { path: 'x', reciever: { open: {} } })), [
    { path: 'spec.triggers[0].http.reciever', message: 'unknown field "reciever"', hint: 'did you mean "receiver"?' },
  ]);
});

test('an unknown field far from any other lists what there is', () => {
  const [mistake] = mistakesOf(changed('spec.egress', { allow: [], banana: 1 }));
  assert.deepEqual(mistake, {
    path: 'spec.egress.banana',
    message: 'unknown field "banana"',
    hint: 'the fields are allow',
  });
});

test('a field that stands a level too high or too low is told where it belongs', () => {
  const hintsOf = (path: string, value: unknown): readonly (string | undefined)[] =>
    mistakesOf(changed(path, value)).map(({ hint }) => hint);
  const http = { path: 'x', receiver: { open: {} } };
  assert.match(
    hintsOf('spec.triggers.0', { name: 'a', http, debounce: { wait: '5s' } })[0] ?? '',
    /^the fields are name, .*; it is a field of http or kubernetes or event$/,
  );
  assert.match(
    hintsOf('spec.triggers.0.http', { ...http, retry: {} })[0] ?? '',
    /^the fields are .*; it belongs one level up$/,
  );
  assert.match(hintsOf('spec.limits', { http: {} })[0] ?? '', /^the fields are [^;]*$/, 'control: further away');
  const { hint } = mistakesOf(changed('spec.http', http)).find(({ path }) => path === 'spec.http') ?? {};
  assert.match(hint ?? '', /; it is a field of an entry of triggers$/);
});

test('a number for a duration is told what a duration looks like; quotes would not make it one', () => {
  const [duration] = mistakesOf(changed('spec.limits', { timeout: 10 }));
  assert.match(duration?.hint ?? '', /^write a duration such as 500ms/);
  const [text] = mistakesOf(changed('spec.env', [{ name: 'A', value: 10 }]));
  assert.equal(text?.hint, 'write it in quotes: "10"');
});

const cases: readonly (readonly [name: string, path: string, value: unknown, at: string, message: RegExp])[] = [
  [
    'another version',
    'apiVersion',
    'moonhook.dev/v1',
    'apiVersion',
    /"moonhook.dev\/v1" is not one of moonhook.dev\/v1alpha1/,
  ],
  ['another kind', 'kind', 'WebhookFunktion', 'kind', /not one of WebhookFunction/],
  ['no name', 'metadata', {}, 'metadata', /"name" is required/],
  ['a name with a dot', 'metadata', { name: 'a.b' }, '', /metadata.name: at most 63 lower case/],
  ['no spec', 'spec', undefined, '', /"spec" is required/],
  ['code and codeFrom', 'spec.codeFrom', { file: 'a.lua' }, 'spec', /exactly one of code and codeFrom/],
  ['an empty codeFrom', 'spec', { codeFrom: {} }, 'spec.codeFrom', /exactly one of configMapKeyRef and file/],
  ['a number as timeout', 'spec.limits', { timeout: 10 }, 'spec.limits.timeout', /must be text, not the number 10/],
  [
    'CPU time in millicores',
    'spec.limits',
    { cpuTime: '500m CPU' },
    'spec.limits.cpuTime',
    /is not a duration such as/,
  ],
  ['a timeout of nothing', 'spec.limits', { timeout: '0s' }, 'spec.limits.timeout', /not zero/],
  ['half a byte', 'spec.limits', { memory: '500m' }, 'spec.limits.memory', /is not a size such as 16Mi/],
  ['memory of nothing', 'spec.limits', { memory: 0 }, 'spec.limits.memory', /0 is less than 1/],
  [
    'no trigger kind',
    'spec.triggers.0',
    { name: 'a' },
    'spec.triggers[0]',
    /exactly one of http, kubernetes, schedule and event/,
  ],
  [
    'no receiver named',
    'spec.triggers.0.http.receiver',
    {},
    'spec.triggers[0].http.receiver',
    /name exactly one receiver/,
  ],
  [
    'two receivers',
    'spec.triggers.0.http.receiver',
    { open: {}, github: { secretRefs: [{ name: 'a', key: 'b' }] } },
    'spec.triggers[0].http.receiver',
    /name exactly one/,
  ],
  [
    'github without secret',
    'spec.triggers.0.http.receiver',
    { github: {} },
    'spec.triggers[0].http.receiver.github',
    /"secretRefs" is required/,
  ],
  [
    'a secret for open',
    'spec.triggers.0.http.receiver',
    { open: { secretRefs: [] } },
    'spec.triggers[0].http.receiver.open.secretRefs',
    /unknown field/,
  ],
  [
    'path and routes',
    'spec.triggers.0.http.routes',
    [{ path: 'a' }],
    'spec.triggers[0].http',
    /exactly one of path and routes/,
  ],
  [
    'a lower case method',
    'spec.triggers.0.http.methods',
    ['post'],
    'spec.triggers[0].http.methods[0]',
    /"post" is not one of GET/,
  ],
  [
    'a method twice',
    'spec.triggers.0.http.methods',
    ['GET', 'GET'],
    'spec.triggers[0].http.methods',
    /entries 0 and 1 are the same/,
  ],
  [
    'debounce of a caller who waits',
    'spec.triggers.0.http',
    { path: 'a', receiver: { open: {} }, mode: 'sync', debounce: { wait: '1s' } },
    'spec.triggers[0].http',
    /debounce needs mode: async/,
  ],
  [
    'a kubernetes trigger without identity',
    'spec.triggers.0',
    { name: 'a', kubernetes: { apiVersion: 'v1', kind: 'Pod' } },
    'spec',
    /needs serviceAccountName/,
  ],
  [
    'names without from: Names',
    'spec.triggers.0',
    { name: 'a', kubernetes: { apiVersion: 'v1', kind: 'Pod', namespaces: { from: 'All', names: ['a'] } } },
    'spec.triggers[0].kubernetes.namespaces',
    /names is set exactly if/,
  ],
  ['an empty list of methods', 'spec.triggers.0.http.methods', [], 'spec.triggers[0].http.methods', /at least 1 entry/],
  [
    'a trigger name that YAML reads as nothing',
    'spec.triggers.0.name',
    null,
    'spec.triggers[0].name',
    /must be text, not empty/,
  ],
  [
    'a text where a list belongs',
    'spec.egress',
    { allow: 'example.com' },
    'spec.egress.allow',
    /must be a list, not text/,
  ],
  [
    'egress with a scheme',
    'spec.egress',
    { allow: ['https://example.com'] },
    'spec.egress.allow[0]',
    /is not a host without scheme/,
  ],
  [
    'env with value and valueFrom',
    'spec.env',
    [{ name: 'A', value: '1', valueFrom: { secretKeyRef: { name: 'a', key: 'b' } } }],
    'spec.env[0]',
    /exactly one of value and valueFrom/,
  ],
];

for (const [name, path, value, at, message] of cases) {
  test(`refused with its place: ${name}`, () => {
    const mistakes = mistakesOf(changed(path, value));
    const found = mistakes.find((mistake) => mistake.path === at && message.test(mistake.message));
    assert.ok(found, `expected ${at}: ${String(message)} among ${JSON.stringify(mistakes)}`);
  });
}

test('two triggers of one name are refused, and the second is the one at fault', () => {
  const trigger = { name: 'hi', schedule: { cron: '0 * * * *' } };
  assert.deepEqual(mistakesOf(changed('spec.triggers', [trigger, trigger])), [
    { path: 'spec.triggers[1].name', message: '"hi" is already the name of spec.triggers[0]' },
  ]);
});

test('the class of a function cannot change, and everything else can', () => {
  const before = check(changed('spec.class', 'a'));
  assert.ok(before.ok);
  const same = changed('spec.class', 'a') as { spec: { code: string } };
  same.spec.code = 'return 2';
  assert.equal(check(same, before.function).ok, true);
  const other = check(changed('spec.class', 'b'), before.function);
  assert.ok(!other.ok && /class is immutable/.test(other.mistakes[0]?.message ?? ''));
  const gone = check(valid(), before.function);
  assert.equal(gone.ok, false);
});

test('names of the prototype are ordinary unknown fields', () => {
  const document: unknown = JSON.parse(
    '{"apiVersion":"moonhook.dev/v1alpha1","kind":"WebhookFunction","metadata":{"name":"a"},"spec":{"code":"x","__proto__":{"a":1},"constructor":{}}}',
  );
  assert.deepEqual(
    mistakesOf(document)
      .map(({ path }) => path)
      .sort(),
    ['spec.__proto__', 'spec.constructor'],
  );
});

test('anything that is no object is refused without a crash', () => {
  for (const document of [null, undefined, 1, 'text', [], [valid()]]) {
    const result = check(document);
    assert.equal(result.ok, false, JSON.stringify(document));
  }
});

test('code over the limit is refused by its length', () => {
  assert.match(
    mistakesOf(changed('spec.code', 'x'.repeat(131_073)))[0]?.message ?? '',
    /longer than 131072 characters/,
  );
  assert.deepEqual(mistakesOf(changed('spec.code', 'x'.repeat(131_072))), []);
});
