/** The catalogue, its pages and what a script really finds say the same, both ways. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { generateHostDocs } from '../../scripts/generate-host-docs.ts';
import { createCatalogue, listEntries } from '../../src/host/catalogue.ts';
import { createHostEnvironment } from '../../src/host/environment.ts';
import { globals, libraries, replaced } from '../../src/lua/environment.ts';
import { hostBench } from '../builders/host-engine.ts';

const modules = createCatalogue();
const entries = listEntries(modules);
const files = generateHostDocs();
const bench = await hostBench();
after(async () => bench.close());

/** Every name a script can reach: globals, and the members of global tables one level down. */
const reachable = await bench.run(`return function()
  local names = {}
  for name, value in pairs(_G) do
    if type(value) == "table" and value ~= _G then
      for member in pairs(value) do names[#names + 1] = name .. "." .. tostring(member) end
      if next(value) == nil then names[#names + 1] = name end
    else
      names[#names + 1] = name
    end
  end
  return names
end`);
const found = new Set(reachable.kind === 'ok' ? (reachable.values[0] as string[]) : []);

const luaNames = new Set([
  ...globals,
  ...Object.entries(libraries).flatMap(([library, members]) => members.map((member) => `${library}.${member}`)),
  ...replaced,
  '_G',
]);
const hostNames = new Set([
  ...entries.map((entry) => entry.name),
  ...modules.flatMap((module) => (module.further ?? []).map((name) => `${module.name}.${name}`)),
]);

test('a script finds every function of the catalogue', () => {
  assert.deepEqual(
    [...hostNames].filter((name) => !found.has(name)),
    [],
  );
});

test('a script finds nothing that neither the catalogue nor the allow list of libraries names', () => {
  assert.ok(found.size > 100, 'the script listed its environment');
  assert.deepEqual(
    [...found].filter((name) => !hostNames.has(name) && !luaNames.has(name)),
    [],
  );
});

test('names are unique and stand below their module', () => {
  assert.equal(new Set(entries.map((entry) => entry.name)).size, entries.length);
  for (const module of modules) {
    for (const { name } of module.entries) {
      assert.equal(name.includes('.') ? name.slice(0, name.indexOf('.')) : '', module.name, name);
    }
  }
});

test('every host function is in the catalogue or hidden behind its Lua part', () => {
  const hidden = new Set(modules.flatMap((module) => (module.hidden ?? []).map((entry) => entry.name)));
  for (const { name } of createHostEnvironment().functions) {
    const documented = entries.some((entry) => entry.name === name && 'run' in entry.implementation);
    assert.ok(documented || hidden.has(name), name);
  }
});

for (const [path, content] of files) {
  test(`${path} is what the catalogue says`, () => {
    assert.equal(readFileSync(join(import.meta.dirname, '../..', path), 'utf8'), content, 'run: npm run generate');
  });
}

test('the page has a section for every entry and none besides', () => {
  const page = files.get('docs/reference/lua-api.md') ?? '';
  const sections = [...page.matchAll(/^### ([a-z0-9_.]+)$/gm)].map(([, name]) => name ?? '');
  assert.deepEqual(
    sections.filter((name) => !name.startsWith('moonhook.')).sort(),
    entries.map(({ name }) => name).sort(),
  );
});

test('the definitions for editors declare every entry and none besides', () => {
  const meta = files.get('docs/reference/moonhook.d.lua') ?? '';
  const declared = [
    ...[...meta.matchAll(/^function ([a-zA-Z0-9_.]+)\(/gm)].map(([, name]) => name ?? ''),
    ...[...meta.matchAll(/^([a-zA-Z0-9_.]+) = nil$/gm)].map(([, name]) => name ?? ''),
  ];
  assert.deepEqual(declared.sort(), [...hostNames].sort());
});

test('the definitions are Lua that compiles', async () => {
  const meta = files.get('docs/reference/moonhook.d.lua') ?? '';
  const text = await bench.value('local f, message = load(env.META) assert(f, message) return "compiled"', {
    env: { META: meta },
  });
  assert.equal(text, 'compiled');
});

test('every entry says what it takes, gives and costs', () => {
  for (const entry of entries) {
    assert.ok(entry.summary.endsWith('.') || entry.summary.endsWith('`'), `${entry.name}: the summary is a sentence`);
    assert.ok(
      entry.example.startsWith('return') || entry.example.startsWith('local'),
      `${entry.name}: the example is a module`,
    );
    assert.ok(entry.caps.length > 0, entry.name);
    for (const value of [...entry.parameters, ...entry.returns]) {
      assert.ok(value.name !== '' && value.type !== '' && value.description !== '', `${entry.name}: ${value.name}`);
    }
    const last = entry.returns.at(-1);
    assert.equal(
      last?.type === 'moonhook.Error?',
      entry.answersError === true,
      `${entry.name}: error answers are declared`,
    );
  }
});
