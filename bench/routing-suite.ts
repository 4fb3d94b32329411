/** Route table: build of 10,000 functions from nothing and after one change, difference, wire format, matching. */
import { createRouteIndex } from '../src/routing/match-request.ts';
import { buildRouteTable, type BuildResult } from '../src/routing/build-route-table.ts';
import { byUid, uidOf, type FunctionInputs } from '../src/routing/find-changes.ts';
import { diffTables } from '../src/routing/diff-tables.ts';
import type { FunctionInput } from '../src/routing/build-context.ts';
import { LayeredMap } from '../src/routing/layered-map.ts';
import type { ReferencedObject } from '../src/routing/types.ts';
import { decodeEntry, encodeEntry } from '../src/routing/wire-format.ts';
import { buildInput, functionInput, openTrigger, reference } from '../test/builders/webhook-function.ts';
import { quantile, type Measure, type Suite } from './measure.ts';

const count = 10_000;
const namespaces = 100;
const edited = 5000;

function makeFunction(index: number, text = '', path = `hook${index}`): FunctionInput {
  const secretKeyRef = { name: `s${index % 10}`, key: 'k' };
  return functionInput(
    { name: `f${index}`, namespace: `team-${index % namespaces}` },
    {
      code: `return function(event) return "hi ${index}${text}" end`,
      env: [
        { name: 'CHANNEL', value: '#ops' },
        { name: 'TOKEN', valueFrom: { secretKeyRef } },
      ],
      triggers: [
        { name: 'web', http: { path, methods: ['POST'], receiver: { github: { secretRefs: [secretKeyRef] } } } },
        openTrigger(`items${index}/:id`, {}, 'items'),
      ],
    },
  );
}

function makeReferences(): ReadonlyMap<string, ReferencedObject> {
  const references = new Map<string, ReferencedObject>();
  for (let namespace = 0; namespace < namespaces; namespace += 1) {
    for (let secret = 0; secret < 10; secret += 1) {
      const parts = { namespace: `team-${namespace}` };
      references.set(...reference('Secret', `s${secret}`, { k: '0123456789abcdef' }, parts));
    }
  }
  return references;
}

function milliseconds(rounds: number, run: (round: number) => unknown): readonly number[] {
  return Array.from({ length: rounds }, (_, round) => {
    const start = performance.now();
    run(round);
    return performance.now() - start;
  });
}

function measure(name: string, samples: readonly number[], goal?: number): Measure {
  return {
    name,
    value: quantile(samples, 0.5),
    unit: 'ms',
    ...(goal === undefined ? {} : { goal: { compare: '<=', value: goal } as const }),
    note: `median of ${samples.length}, best ${Math.min(...samples).toFixed(1)} ms`,
  };
}

export const suite: Suite = {
  name: `routing: ${count.toLocaleString('en-US')} functions in ${namespaces} namespaces, two routes each`,
  async run(progress) {
    const all = Array.from({ length: count }, (_, index) => makeFunction(index));
    const functions = LayeredMap.of(byUid(all));
    const allReferences = makeReferences();
    const input = buildInput(all, { functions, references: allReferences });
    let result: BuildResult = buildRouteTable(input);
    const rebuild = (inputs: FunctionInputs, references = input.references): void => {
      result = buildRouteTable({ ...input, functions: inputs, references, previous: result });
    };
    // As the controller keeps them: one of a family of maps, so that nothing is looked at but what changed.
    const replaced = (item: FunctionInput): FunctionInputs => functions.with([[uidOf(item), item]]);
    const without = functions.with([[uidOf(makeFunction(edited)), undefined]]);

    progress('building');
    const cold = milliseconds(5, () => buildRouteTable(input));
    const code = milliseconds(31, (round) => rebuild(replaced(makeFunction(edited, ` ${round}`))));
    const route = milliseconds(31, (round) => rebuild(replaced(makeFunction(edited, '', `path${round}`))));
    const gone = milliseconds(31, (round) => rebuild(round % 2 === 0 ? without : functions));
    const secret = milliseconds(31, (round) => {
      const parts = { namespace: 'team-0', resourceVersion: String(round + 2) };
      const next = reference('Secret', 's0', { k: '0123456789abcdef' }, parts);
      rebuild(functions, new Map([...allReferences, next]));
    });
    const before = result;
    rebuild(replaced(makeFunction(edited, ' last')));
    const tables = [before, result].map(({ entries }, version) => ({ version, functions: entries }));
    const [from, to] = tables;
    const difference = milliseconds(31, () => from && to && diffTables(from, to));

    progress('wire format and matching');
    const entries = [...result.entries.values()];
    const texts = entries.map(encodeEntry);
    const encode = milliseconds(5, () => entries.map(encodeEntry));
    const decode = milliseconds(5, () => texts.map((text) => decodeEntry(JSON.parse(text))));
    const index = createRouteIndex<undefined>();
    const mount = milliseconds(1, () => {
      for (const entry of entries) index.set(entry, undefined);
    });
    const targets = Array.from({ length: 4096 }, (_, step) => {
      const number = (step * 2477) % count;
      return `/team-${number % namespaces}/items${number}/42`;
    });
    const host = 'hooks.example.com';
    const rounds = milliseconds(20, () => {
      for (const target of targets) index.match({ method: 'POST', host, target });
    });
    const exact = milliseconds(20, () => {
      for (let step = 0; step < 4096; step += 1) index.match({ method: 'POST', host, target: '/team-7/hook107' });
    });
    const perCall = (samples: readonly number[]): number => (quantile(samples, 0.5) * 1e6) / targets.length;
    return [
      measure('build from nothing', cold),
      measure('build after an edit of code', code, 5),
      measure('build after an edit of a route', route, 10),
      measure('build after a function came or went', gone, 10),
      measure('build after a change of a Secret that 100 functions use', secret, 20),
      measure('difference of two tables', difference, 5),
      measure('encode all', encode),
      measure('decode all', decode),
      measure('mount all in the matcher', mount),
      { name: 'bytes of an entry on the wire', value: texts.join('').length / texts.length, unit: 'B' },
      { name: 'match, uniform over all functions, with a parameter', value: perCall(rounds), unit: 'ns' },
      { name: 'match, one literal path', value: perCall(exact), unit: 'ns' },
    ];
  },
};
