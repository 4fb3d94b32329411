/** Makes of the catalogue what the engine is given: host functions, one prelude, modules for `require`. */
import type { HostEnvironment, HostFunction } from '../lua/types.ts';
import { createCatalogue, listEntries, type CatalogueOptions } from './catalogue.ts';
import type { HostContext, HostModule } from './types.ts';

/** The environment of functions; `wait` is the timer behind `sleep`. */
export function createHostEnvironment(options: CatalogueOptions = {}): HostEnvironment<HostContext> {
  const modules = createCatalogue(options);
  return {
    functions: modules.flatMap(functionsOf),
    preludes: [{ name: 'host', source: composePrelude(modules) }],
    requirable: new Map([
      ...modules.filter((module) => module.name !== '').map((module) => [module.name, module.name] as const),
      ['cjson.safe', 'cjson.safe'],
    ]),
  };
}

function functionsOf(module: HostModule): readonly HostFunction<HostContext>[] {
  const own = module.entries.flatMap(({ implementation }) => ('run' in implementation ? [implementation] : []));
  return [...own, ...(module.hidden ?? [])];
}

const head = `
local host, env, marks = ...
local setmetatable, tostring = env.setmetatable, env.tostring

-- Error answers print as their message, also when they are joined to a text.
local failure = {}
failure.__tostring = function(err) return err.message end
failure.__concat = function(a, b) return tostring(a) .. tostring(b) end
failure.__name = 'error'
failure.__metatable = false

local function guarded(value, err, ...)
  if err == nil then return value end
  if value == nil then return nil, setmetatable(err, failure) end
  return value, err, ...
end
local function wrap(f)
  return function(...) return guarded(f(...)) end
end
local respond
`;

/** One chunk: what all parts share, wrappers for functions that answer errors, then each module's own Lua. */
function composePrelude(modules: readonly HostModule[]): string {
  const wrapped = listEntries(modules)
    .filter(({ answersError, implementation }) => answersError === true && 'run' in implementation)
    .map(({ name }) => `env.${name} = wrap(host['${name}'])`);
  const parts = modules.flatMap(({ lua }) => (lua === undefined ? [] : [`do\n${lua}\nend`]));
  return [head, ...wrapped, ...parts].join('\n');
}
