/**
 * The official Lua test files as the npm package fengari carries them (MIT): test files of another runner, of which only the
 * Lua is wanted. They are run with a runner and a Lua that do nothing but note the source given to `load`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { runInNewContext } from 'node:vm';

/** One piece of Lua source that raises where something is not as it should be. */
export interface Snippet {
  /** Its number in its file, from 1. */
  readonly number: number;
  readonly code: string | Uint8Array;
}

const root = dirname(createRequire(import.meta.url).resolve('fengari/package.json'));
const folder = join(root, 'test', 'test-suite');

/** Whatever is asked of it or done with it: itself. */
const anything: unknown = new Proxy(() => undefined, { get: () => anything, apply: () => anything });

/** Pieces by the name of their file: `math`, `strings` …. */
export function readThirdPartySuite(): ReadonlyMap<string, readonly Snippet[]> {
  const suite = new Map<string, readonly Snippet[]>();
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('.test.js'))
    .sort()) {
    const snippets: Snippet[] = [];
    const note = (code: string | Uint8Array): number => snippets.push({ number: snippets.length + 1, code });
    const auxiliary: Readonly<Record<string, unknown>> = {
      luaL_loadstring: (_state: unknown, code: string) => note(code),
      luaL_loadfile: (_state: unknown, path: string) => note(readFileSync(join(root, path))),
    };
    const modules: Readonly<Record<string, unknown>> = {
      // A status that nothing has: what is loaded has loaded.
      'lua.js': new Proxy(
        {},
        { get: (_, name) => (String(name).startsWith('LUA_') ? Symbol(String(name)) : anything) },
      ),
      'lauxlib.js': new Proxy(auxiliary, { get: (known, name) => known[String(name)] ?? anything }),
      'fengaricore.js': { to_luastring: (text: string) => text },
    };
    const test = Object.assign((_title: string, body: () => void): void => body(), { skip: () => undefined });
    const globals = {
      test,
      it: test,
      describe: test,
      expect: anything,
      require: (path: string) => modules[path.slice(path.lastIndexOf('/') + 1)] ?? anything,
    };
    runInNewContext(readFileSync(join(folder, file), 'utf8'), globals);
    suite.set(file.replace('.test.js', ''), snippets);
  }
  return suite;
}
