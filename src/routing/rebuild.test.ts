import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { buildInput, functionInput, openTrigger, reference } from '../../test/builders/webhook-function.ts';
import { defaultPolicy, type InstallationPolicy } from '../policy/installation-policy.ts';
import type { FunctionInput } from './build-context.ts';
import { buildRouteTable, type BuildInput, type BuildResult } from './build-route-table.ts';
import { diffTables } from './diff-tables.ts';
import { referenceKey } from './read-references.ts';
import type { FunctionEntry, ReferencedObject } from './types.ts';

const secretEnv = { env: [{ name: 'S', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] };

function revisionOf(result: BuildResult): string {
  const [entry] = result.entries.values();
  assert.ok(entry);
  return entry.revision;
}

function revision(spec: Parameters<typeof functionInput>[1], parts: Partial<BuildInput> = {}): string {
  const references = new Map([reference('Secret', 's', { k: 'v', other: 'w' }), reference('Secret', 't', { k: 'v' })]);
  return revisionOf(buildRouteTable(buildInput([functionInput({}, spec)], { references, ...parts })));
}

test('a revision is the same for the same content, in whatever order it was written', () => {
  const one = revision({ limits: { timeout: '5s', memory: '8Mi' } });
  assert.equal(revision({ limits: { memory: '8Mi', timeout: '5s' } }), one);
  assert.match(one, /^[0-9a-f]{32}$/);
});

test('a revision changes with spec, code, configuration, secret versions and effective policy', () => {
  const references = (version: string, value = 'v') => ({
    references: new Map([reference('Secret', 's', { k: value }, { resourceVersion: version })]),
  });
  const base = defaultPolicy('https://hooks.example.com');
  const limited: InstallationPolicy = {
    ...base,
    defaults: { ...base.defaults, limits: { ...base.defaults.limits, hostCalls: 5 } },
  };
  const revisions = [
    revision({}),
    revision({ code: 'return function() end' }),
    revision({ suspend: true }),
    revision({ env: [{ name: 'A', value: '1' }] }),
    revision({ env: [{ name: 'A', value: '2' }] }),
    revision(secretEnv, references('1')),
    revision(secretEnv, references('2')),
    revision({}, { policy: base }),
    revision({}, { policy: limited }),
    revision({}, { policy: defaultPolicy('https://other.example.com') }),
  ];
  assert.equal(new Set(revisions).size, revisions.length);
});

test('which secret goes where is part of the revision, even if the same secrets are used', () => {
  const env = (first: string, second: string) => ({
    env: [
      { name: 'A', valueFrom: { secretKeyRef: { name: first, key: 'k' } } },
      { name: 'B', valueFrom: { secretKeyRef: { name: second, key: 'k' } } },
    ],
  });
  assert.notEqual(revision(env('s', 't')), revision(env('t', 's')));
});

test('without versions the values count, under a key, so that a revision gives nothing to guess from', () => {
  const unversioned = (value: string): Map<string, ReferencedObject> => {
    const object: ReferencedObject = {
      state: 'found',
      labels: { 'moonhook.dev/functions': 'true' },
      data: new Map([['k', Buffer.from(value)]]),
    };
    return new Map([[referenceKey('Secret', 'team-a', 's'), object]]);
  };
  const of = (value: string, key: number) =>
    revision(secretEnv, { references: unversioned(value), fingerprintKey: new Uint8Array(32).fill(key) });
  assert.equal(of('a', 1), of('a', 1));
  assert.notEqual(of('a', 1), of('b', 1));
  assert.notEqual(of('a', 1), of('a', 2));
});

test('two functions with the same content have different revisions', () => {
  const result = buildRouteTable(buildInput([functionInput({ name: 'a' }), functionInput({ name: 'b' })]));
  assert.equal(new Set([...result.entries.values()].map(({ revision }) => revision)).size, 2);
});

test('an edit of one function leaves the objects of all others as they are', () => {
  const functions = ['a', 'b', 'c'].map((name) => functionInput({ name }));
  const before = buildRouteTable(buildInput(functions));
  const edited = [...functions];
  edited[1] = functionInput({ name: 'b', generation: 2 }, { code: 'return function() end' });
  const after = buildRouteTable(buildInput(edited, { policy: before.memory.policy, previous: before }));
  const same = (uid: string) => before.entries.get(uid) === after.entries.get(uid);
  assert.deepEqual(
    ['a', 'b', 'c'].map((name) => same(`uid-team-a-${name}`)),
    [true, false, true],
  );
  const changes = diffTables({ version: 1, functions: before.entries }, { version: 2, functions: after.entries });
  assert.deepEqual(
    changes.map(({ op }) => op),
    ['set'],
  );
});

interface Wanted {
  readonly path: string;
  readonly created: string;
  readonly class: string | undefined;
  readonly secret: boolean;
  readonly code: string;
}

const slots = ['team-a/a', 'team-a/b', 'team-a/c', 'team-b/a', 'team-b/b', 'team-b/c'] as const;

/** One step of the world: a function made, edited or deleted, or a Secret that came, changed or went. */
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      slot: fc.constantFrom(...slots),
      wanted: fc.record<Wanted>({
        path: fc.constantFrom('x', 'x', '/x', '/:p', '/x/:q', '/x/y', '/*', 'bad//path'),
        created: fc.constantFrom('2025-01-01', '2025-01-02'),
        class: fc.constantFrom(undefined, undefined, undefined, 'other'),
        secret: fc.boolean(),
        code: fc.constantFrom('1', '2'),
      }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ slot: fc.constantFrom(...slots), wanted: fc.constant(undefined) }) },
  { weight: 1, arbitrary: fc.record({ secret: fc.constantFrom(undefined, '1', '2') }) },
  { weight: 1, arbitrary: fc.record({ turn: fc.nat({ max: 5 }) }) },
);

test('a build from the one before gives what a build from nothing gives', () => {
  const base = defaultPolicy('https://x.test');
  const policy: InstallationPolicy = {
    ...base,
    hosts: [...base.hosts, { publicUrl: 'https://x.test', namespaces: '*', mount: '/' }],
    quotas: { functions: 3, namespaces: {} },
  };
  const unlimited = { ...policy, quotas: { namespaces: {} } };
  let reused = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 30 }), fc.boolean(), (steps, limited) => {
      const functions = new Map<string, FunctionInput>();
      let references = referencesOf('1');
      let order = 0;
      let previous: BuildResult | undefined;
      for (const one of steps) {
        if ('turn' in one) order = one.turn;
        else if ('secret' in one) references = referencesOf(one.secret);
        else if (one.wanted === undefined) functions.delete(one.slot);
        else functions.set(one.slot, make(one.slot, one.wanted));
        const list = [...functions.values()];
        const turned = [...list.slice(order), ...list.slice(0, order)];
        const input = buildInput(turned, { policy: limited ? policy : unlimited, references });
        const next = buildRouteTable({ ...input, previous });
        assert.deepEqual(plain(next), plain(buildRouteTable(input)));
        reused += [...next.entries.values()].filter((entry) => previous?.entries.get(entry.uid) === entry).length;
        previous = next;
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(reused > 2000, `only ${reused} entries were taken over: this compared nothing`);
});

function make(slot: string, { path, created, class: ofClass, secret, code }: Wanted): FunctionInput {
  const [namespace = '', name = ''] = slot.split('/');
  return functionInput(
    { name, namespace, creationTimestamp: created },
    {
      code,
      triggers: [openTrigger(path)],
      ...(ofClass === undefined ? {} : { class: ofClass }),
      ...(secret ? secretEnv : {}),
    },
  );
}

function referencesOf(version: string | undefined): BuildInput['references'] {
  if (version === undefined) return new Map();
  const data = { k: `value-${version}` };
  return new Map([
    reference('Secret', 's', data, { resourceVersion: version }),
    reference('Secret', 's', data, { resourceVersion: version, namespace: 'team-b' }),
  ]);
}

function plain({ entries, verdicts }: BuildResult): unknown {
  const byUid = <T>(map: ReadonlyMap<string, T>): readonly [string, T][] =>
    [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  return { entries: byUid<FunctionEntry>(entries), verdicts: byUid(verdicts) };
}
