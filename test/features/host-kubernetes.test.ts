/** What `k8s.*` asks of the cluster, and what functions get of its answers; the cluster itself has tests of its own. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { KubernetesAnswer, KubernetesQuestion } from '../../src/host/kubernetes-types.ts';
import { hostBench } from '../builders/host-engine.ts';

const asked: KubernetesQuestion[] = [];
let answers: ((question: KubernetesQuestion) => KubernetesAnswer) | undefined;
const bench = await hostBench({
  kubernetes: async (question) => {
    asked.push(question);
    assert.ok(answers, 'an answer was prepared');
    return answers(question);
  },
});
const local = await hostBench();
after(async () => {
  await bench.close();
  await local.close();
});

function answerWith(answer: (question: KubernetesQuestion) => unknown): void {
  asked.length = 0;
  answers = (question) => ({ ok: true, text: JSON.stringify(answer(question)) });
}

const raised = (statement: string): string =>
  `local ok, err = pcall(function() ${statement} end) assert(not ok) return tostring(err)`;

test('in a local run every function says what to do', async () => {
  const calls = ['get("v1", "Pod", "a")', 'list("v1", "Pod")', 'each("v1", "Pod", nil, print)', 'logs("a")'];
  for (const call of [...calls, 'apply("v1", "Pod", "a", {})', 'delete("v1", "Pod", "a")']) {
    const said = await local.text(`local value, err = k8s.${call} assert(value == nil) return err.message`);
    assert.match(said, /there is no cluster in a local run: apply the function to a cluster/, call);
  }
});

test('a question names the call and what it wants, and never an identity', async () => {
  answerWith(() => ({ metadata: { name: 'web', managedFields: [{}] } }));
  await bench.run('return function() return k8s.get("apps/v1", "Deployment", "web", { namespace = "b" }) end');
  const [question] = asked;
  assert.deepEqual(Object.keys(question ?? {}).sort(), ['arguments', 'callId', 'operation', 'revision']);
  assert.deepEqual(question?.arguments, { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', namespace: 'b' });
});

test('objects keep 64-bit numbers and empty lists, without managed fields', async () => {
  answers = () => ({
    ok: true,
    text: '{"n":9007199254740993,"empty":[],"metadata":{"managedFields":[{}],"name":"x"}}',
  });
  const said = await bench.text('return json.encode(k8s.get("v1", "ConfigMap", "x"))');
  assert.match(said, /"n":9007199254740993/);
  assert.match(said, /"empty":\[\]/);
  assert.ok(!said.includes('managedFields'));
});

test('what a call says of an object is filled in, and a contradiction raises', async () => {
  answerWith(() => ({}));
  await bench.run('return function() k8s.create("v1", "ConfigMap", "x", { data = { a = "1" } }) end');
  assert.deepEqual(JSON.parse(asked[0]?.arguments.body ?? ''), {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'x' },
    data: { a: '1' },
  });
  await bench.run('return function() k8s.create("v1", "Pod", "x", {}, { subresource = "eviction" }) end');
  assert.match(asked[1]?.arguments.body ?? '', /"apiVersion":"policy\/v1"/);
  const contradictions = ['{ kind = "Secret" }', '{ apiVersion = "v2" }', '{ metadata = { name = "y" } }'];
  for (const object of contradictions) {
    assert.match(await bench.text(raised(`k8s.apply("v1", "ConfigMap", "x", ${object})`)), /of the object is not/);
  }
  assert.equal(asked.length, 2, 'nothing was asked with a contradiction');
});

test('errors carry message, status, reason and when to come again', async () => {
  answers = () => ({ ok: false, message: 'slow down', status: 429, reason: 'TooManyRequests', retryAfterSeconds: 3 });
  assert.equal(
    await bench.text(
      'local o, e = k8s.get("v1", "Pod", "x") assert(o == nil) return tostring(e) .. e.status .. e.reason .. e.retry_after',
    ),
    'k8s.get Pod x: slow down429TooManyRequests3',
  );
});

test('pages that are too large are asked for again in smaller ones, until one object is too large', async () => {
  answers = ({ arguments: { limit = 0, continue: from } }) => {
    if (limit > 20) return { ok: false, message: 'too large', reason: 'TooLarge' };
    const items = [{ metadata: { name: from ?? 'first' } }];
    return { ok: true, text: JSON.stringify({ metadata: from === undefined ? { continue: 'second' } : {}, items }) };
  };
  const said = await bench.text(`
  local found = assert(k8s.list("v1", "Pod"))
  return found[1].metadata.name .. " " .. found[2].metadata.name .. " " .. found[2].kind .. " " .. #found`);
  assert.equal(said, 'first second Pod 2');
  asked.length = 0;
  answers = () => ({ ok: false, message: 'too large', reason: 'TooLarge' });
  assert.equal(await bench.text('local l, e = k8s.list("v1", "Pod") assert(l == nil) return e.reason'), 'TooLarge');
  assert.deepEqual(
    asked.map(({ arguments: { limit } }) => limit),
    [250, 62, 15, 3, 1],
  );
});

test('misuse raises at the line, before anything is asked', async () => {
  answerWith(() => ({}));
  const misuses: readonly (readonly [string, RegExp])[] = [
    ['k8s.get("v1", "Pod")', /bad argument #3/],
    ['k8s.get("v1", "Pod", "x", { serviceAccount = "y" })', /unknown option "serviceAccount"/],
    ['k8s.get("v1", "Pod", "x", { metadataOnly = 1 })', /metadataOnly must be true or false/],
    ['k8s.patch("v1", "Pod", "x", {}, { type = "other" })', /type must be/],
    ['k8s.update("v1", "Pod", "x")', /an object expected/],
    ['k8s.logs("x", { tail = 10001 })', /tail must be an integer/],
    ['k8s.each("v1", "Pod", nil, 5)', /function expected/],
    ['k8s.create("v1", "ConfigMap", "x", { data = { x = ("y"):rep(1048576) } })', /bad argument #4/],
  ];
  for (const [statement, message] of misuses) assert.match(await bench.text(raised(statement)), message, statement);
  assert.deepEqual(asked, []);
  assert.deepEqual(bench.defects, []);
});
