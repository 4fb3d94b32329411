import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildInput, functionInput, openTrigger, reference } from '../../test/builders/webhook-function.ts';
import type { FunctionSpec, HttpTrigger } from '../function/types.ts';
import { localPolicy } from '../policy/installation-policy.ts';
import { buildRouteTable, type BuildInput } from './build-route-table.ts';
import type { FunctionVerdict, HttpTriggerEntry, ReferencedObject } from './types.ts';

const strong = '0123456789abcdef';

function build(
  http: Partial<HttpTrigger>,
  references: readonly [string, ReferencedObject][] = [],
  parts: Partial<BuildInput> = {},
  spec: Partial<FunctionSpec> = {},
): { readonly trigger: HttpTriggerEntry; readonly verdict: FunctionVerdict; readonly found: readonly string[] } {
  const input = functionInput({}, { triggers: [openTrigger('hook', http)], ...spec });
  const result = buildRouteTable(buildInput([input], { references: new Map(references), ...parts }));
  const [entry] = result.entries.values();
  const [verdict] = result.verdicts.values();
  const [trigger] = entry?.triggers ?? [];
  assert.ok(verdict && trigger?.kind === 'http');
  return { trigger, verdict, found: verdict.problems.map(({ reason, path }) => `${reason} ${path ?? ''}`) };
}

const github = { receiver: { github: { secretRefs: [{ name: 's', key: 'k' }], events: ['push'] } } };
const at = 'spec.triggers[0].http';

test('a vendor trigger gets its secrets, its events and the mode that fits the vendor', () => {
  const { trigger, found } = build(github, [reference('Secret', 's', { k: strong })]);
  assert.deepEqual(found, []);
  assert.deepEqual(trigger.receiver, {
    name: 'github',
    fields: {},
    events: ['push'],
    secrets: [Buffer.from(strong).toString('base64')],
  });
  assert.equal(trigger.mode, 'async');
  assert.equal(build({ ...github, mode: 'sync' }, [reference('Secret', 's', { k: strong })]).trigger.mode, 'sync');
});

test('a missing secret closes the trigger and is no mistake of the resource', () => {
  const { trigger, verdict, found } = build(github);
  assert.deepEqual(found, [`SecretNotFound ${at}.receiver.github.secretRefs[0]`]);
  assert.deepEqual(
    verdict.conditions.map(({ type, status }) => `${type}=${status}`),
    ['Accepted=True', 'ResolvedRefs=False'],
  );
  assert.deepEqual([trigger.unresolved?.reason, trigger.receiver.secrets], ['SecretNotFound', []]);
  assert.deepEqual(trigger.routes.length, 1, 'the route stays: it answers 503');
});

test('one of two secrets missing closes the trigger: half a rotation is no gate', () => {
  const refs = {
    receiver: {
      github: {
        secretRefs: [
          { name: 's', key: 'k' },
          { name: 's', key: 'next' },
        ],
      },
    },
  };
  const { trigger, found } = build(refs, [reference('Secret', 's', { k: strong })]);
  assert.deepEqual(found, [`SecretKeyNotFound ${at}.receiver.github.secretRefs[1]`]);
  assert.deepEqual([trigger.unresolved?.reason, trigger.receiver.secrets], ['SecretKeyNotFound', []]);
});

test('a weak secret closes the trigger unless the installation allows it, and is never shown', () => {
  const weak = [reference('Secret', 's', { k: 'hunter2-hunter2' })];
  const { trigger, verdict, found } = build(github, weak);
  assert.deepEqual(found, [`SecretTooWeak ${at}.receiver.github`]);
  assert.equal(trigger.unresolved?.reason, 'SecretTooWeak');
  assert.ok(!JSON.stringify([verdict, trigger]).includes('hunter2'));
  assert.deepEqual(build(github, [reference('Secret', 's', { k: strong })]).found, [], 'sixteen bytes are enough');
  const policy = { ...localPolicy('https://x.test'), allowWeakSecrets: true };
  assert.deepEqual(build(github, weak, { policy }).found, []);
});

test('a receiver that is unknown, doubled or misconfigured is the mistake of the resource', () => {
  const { found, verdict } = build({ receiver: { githib: {} } });
  assert.deepEqual(found, [`ReceiverUnknown ${at}.receiver`]);
  assert.match(verdict.problems[0]?.message ?? '', /did you mean "github"\?/);
  assert.deepEqual(build({ receiver: {} }).found, [`ReceiverUnknown ${at}.receiver`]);
  assert.deepEqual(build({ receiver: { open: {}, github: {} } }).found, [`ReceiverUnknown ${at}.receiver`]);
  assert.deepEqual(build({ receiver: { constructor: {} } }).found, [`ReceiverUnknown ${at}.receiver`]);
  assert.deepEqual(build({ receiver: { github: {} } }).found, [`ReceiverInvalid ${at}.receiver.github`]);
  const custom = build({ receiver: { custom: { handler: 'not a name', secretRefs: [] } } });
  assert.deepEqual(custom.found, [`ReceiverInvalid ${at}.receiver.custom.handler`]);
  assert.equal(custom.trigger.unresolved?.reason, 'ReceiverInvalid', 'an unusable gate lets nobody through');
});

test('a secret in the path needs its parameter in every route', () => {
  const receiver = { urlSecret: { segment: 'token', secretRefs: [{ name: 's', key: 'k' }] } };
  const secret = [reference('Secret', 's', { k: strong })];
  assert.deepEqual(build({ receiver, path: 'hook/:token' }, secret).found, []);
  const { found, trigger } = build({ receiver, path: 'hook/:other' }, secret);
  assert.deepEqual(found, [`RouteInvalid ${at}.path`]);
  assert.deepEqual([trigger.routes, trigger.unresolved?.reason], [[], 'RouteInvalid']);
});

test('a line break at the end of a secret is said', () => {
  const { verdict, found } = build(github, [reference('Secret', 's', { k: `${strong}\n` })]);
  assert.deepEqual(found, []);
  assert.ok(verdict.warnings.some((warning) => /ends with a line break/.test(warning)));
});

test('methods that leave out the one with which the sender checks the URL are said', () => {
  const dropbox = { receiver: { dropbox: { secretRefs: [{ name: 's', key: 'k' }] } } };
  const secret = [reference('Secret', 's', { k: strong })];
  const warned = build({ ...dropbox, methods: ['POST'] }, secret).verdict.warnings;
  assert.match(warned.join(' '), /Dropbox checks the URL with GET, which .* does not take/);
  assert.deepEqual(build({ ...dropbox, methods: ['POST', 'GET'] }, secret).verdict.warnings, []);
  assert.deepEqual(build(dropbox, secret).verdict.warnings, []);
});

test('what only asynchronous triggers can do is refused on synchronous ones, by the mode that applies', () => {
  const secret = [reference('Secret', 's', { k: strong })];
  assert.deepEqual(build({ ...github, ackAfter: '2s' }, secret).found, [`Invalid ${at}.ackAfter`]);
  assert.deepEqual(build({ ...github, mode: 'sync', ackAfter: '2s' }, secret).found, []);
  assert.deepEqual(build({ debounce: { wait: '1s' } }).found, [`Invalid ${at}.debounce`]);
  assert.deepEqual(build({ debounce: { wait: '1s' }, mode: 'async' }).found, []);
  assert.deepEqual(build({ dedup: { window: '1h' } }).found, [`Invalid ${at}.dedup`]);
  assert.deepEqual(build({ dedup: { window: '1h' }, ackAfter: '2s' }).found, []);
  assert.deepEqual(build({ dedup: { window: '9d' }, mode: 'async' }).found, [`PolicyDenied ${at}.dedup.window`]);
  assert.deepEqual(build({ ackAfter: '2m' }).found, [`PolicyDenied ${at}.ackAfter`]);
  assert.match(build({ ackAfter: '10s' }).verdict.warnings[0] ?? '', /never reached, the timeout of 10000 ms/);
});

test('rate, concurrency, duplicates and CORS arrive in the units they are used in', () => {
  const { trigger, found } = build({
    mode: 'async',
    rate: { requests: 5, per: '1m', key: 'event.subject' },
    concurrency: { limit: 2 },
    dedup: { key: 'event.id' },
    debounce: { wait: '2s', maxWait: '30s' },
    cors: { origins: ['https://a.test'], maxAge: '10m' },
    methods: ['POST'],
  });
  assert.deepEqual(found, []);
  assert.deepEqual(trigger.rate, { requests: 5, perMs: 60_000, key: 'event.subject' });
  assert.deepEqual(trigger.concurrency, { limit: 2 });
  assert.deepEqual(trigger.dedup, { key: 'event.id', windowMs: 259_200_000 });
  assert.deepEqual(trigger.debounce, { waitMs: 2000, maxWaitMs: 30_000 });
  assert.deepEqual(trigger.cors, {
    origins: ['https://a.test'],
    methods: ['POST'],
    headers: [],
    credentials: false,
    maxAgeSeconds: 600,
  });
});

test('a callback needs all its secrets, strong ones; the trigger itself goes on', () => {
  const callback = { secretRefs: [{ name: 's', key: 'k' }], urls: ['*.example.com'] };
  const good = build({ callback }, [reference('Secret', 's', { k: strong })]);
  assert.deepEqual(good.trigger.callback, {
    urls: ['*.example.com'],
    secrets: [Buffer.from(strong).toString('base64')],
  });
  const weak = build({ callback }, [
    reference('Secret', 's', { k: `whsec_${Buffer.from('short').toString('base64')}` }),
  ]);
  assert.deepEqual(weak.found, [`SecretTooWeak ${at}.callback.secretRefs[0]`]);
  assert.deepEqual([weak.trigger.callback, weak.trigger.unresolved], [undefined, undefined]);
  const shared = build({}, [reference('Secret', 's', { k: strong })], {}, { callback });
  assert.deepEqual(shared.trigger.callback?.urls, ['*.example.com'], "the function's own serves its triggers");
});

test('routes of several hosts keep their own public URL', () => {
  const { trigger, verdict } = build({
    routes: [{ path: 'a' }, { path: '/b', host: 'b.test', methods: ['GET'] }],
  });
  assert.deepEqual(trigger.routes, [
    { path: '/team-a/a', methods: [], ownsHost: true },
    { path: '/b', host: 'b.test', methods: ['GET'], ownsHost: true, publicUrl: 'https://b.test' },
  ]);
  assert.deepEqual(
    verdict.urls.map(({ url }) => url),
    ['https://hooks.example.com/team-a/a', 'https://b.test/b'],
  );
});
