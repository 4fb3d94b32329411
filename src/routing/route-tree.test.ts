import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseRoutePattern, type PathSegment } from '../triggers/route-pattern.ts';
import { changeTree, groupOf, type RouteTree } from './route-tree.ts';

interface Claim {
  readonly path: string;
  readonly segments: readonly PathSegment[];
}

function claim(path: string): Claim {
  const parsed = parseRoutePattern(path);
  assert.ok(parsed.ok, path);
  return { path, segments: parsed.pattern.segments };
}

const treeOf = (claims: readonly Claim[]): RouteTree<Claim> | undefined => changeTree<Claim>(undefined, [], claims);
const pathsOf = (claims: readonly Claim[]): readonly string[] => claims.map(({ path }) => path).toSorted();

function metBy(path: string, others: readonly Claim[]): readonly string[] {
  const own = claim(path);
  const before = treeOf(others);
  return pathsOf(groupOf(own, before, changeTree(before, [], [own])).claims());
}

test('a literal route among many thousands is compared with those of the same path alone', () => {
  const others = Array.from({ length: 5_000 }, (_, index) => claim(`/team-a/hook-${index}`));
  assert.deepEqual(metBy('/team-a/new', others), ['/team-a/new']);
  assert.deepEqual(metBy('/team-a/hook-7', others), ['/team-a/hook-7', '/team-a/hook-7']);
});

test('a parameter or a rest is compared with all that lies below its beginning, and so is what meets it', () => {
  const others = ['/a/x', '/a/x/y', '/b/x', '/a'].map(claim);
  assert.deepEqual(metBy('/a/:p', others), ['/a', '/a/:p', '/a/x', '/a/x/y']);
  assert.deepEqual(metBy('/a/*', others), ['/a', '/a/*', '/a/x', '/a/x/y']);
  const open = [...others, claim('/a/:p')];
  assert.deepEqual(metBy('/a/z', open), ['/a', '/a/:p', '/a/x', '/a/x/y', '/a/z']);
  assert.deepEqual(metBy('/b/z', open), ['/b/z']);
});

test('who could meet what has left is looked at once more', () => {
  const [gone, stays] = [claim('/a/:p'), claim('/a/x')];
  const before = treeOf([gone, stays]);
  const after = changeTree(before, [gone], []);
  assert.deepEqual(pathsOf(groupOf(gone, before, after).claims()), ['/a/x']);
  assert.equal(changeTree(after, [stays], []), undefined);
});

const segment = fc.constantFrom('x', 'y', ':p', '*');
const path = fc
  .array(segment, { maxLength: 4 })
  .map((parts) => {
    const rest = parts.indexOf('*');
    const own = (rest === -1 ? parts : parts.slice(0, rest + 1)).map((part, at) => (part === ':p' ? `:p${at}` : part));
    return `/${own.join('/')}`;
  })
  .filter((text) => parseRoutePattern(text).ok);

test('a tree holds what came and did not leave, and groups have nothing in common', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(path, fc.boolean()), { maxLength: 25 }),
      fc.array(path, { maxLength: 8 }),
      (all, more) => {
        const first = all.map(([text]) => claim(text));
        const leaving = first.filter((_, at) => all[at]?.[1] === true);
        const arriving = more.map(claim);
        const before = treeOf(first);
        const after = changeTree(before, leaving, arriving);
        const stay = [...first.filter((each) => !leaving.includes(each)), ...arriving];
        const groups = new Map<string, readonly Claim[]>();
        for (const each of [...first, ...arriving]) {
          const { key, claims } = groupOf(each, before, after);
          const group = groups.get(key) ?? claims();
          groups.set(key, group);
          if (stay.includes(each)) assert.ok(group.includes(each), `${each.path} is not in its own group ${key}`);
        }
        const grouped = [...groups.values()].flat();
        assert.equal(new Set(grouped).size, grouped.length);
        assert.deepEqual(pathsOf(grouped), pathsOf(stay));
      },
    ),
    { numRuns: 500 },
  );
});
