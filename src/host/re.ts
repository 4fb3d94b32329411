/** `re`: regular expressions that take linear time, over UTF-8 bytes. */
import { Results, type HostArguments, type HostCall, type LuaInput, type LuaKey } from '../lua/types.ts';
import { cappedBytes, cappedText, pure } from './define.ts';
import { reLua } from './re-lua.ts';
import {
  characterWidth,
  longestText,
  PatternCache,
  patternCap,
  PatternProblem,
  search,
  type Pattern,
  type Positions,
} from './re-patterns.ts';
import type { HostContext, HostEntry, HostModule } from './types.ts';

const textCap = 64 * 1024;
const batchMatches = 64;
const batchMs = 4;

interface Search {
  readonly text: Uint8Array;
  readonly pattern: Pattern;
  readonly from: number;
}

function tableOf(pattern: Pattern, text: Uint8Array, at: Positions): ReadonlyMap<LuaKey, LuaInput> {
  const table = new Map<LuaKey, LuaInput>();
  const piece = (group: number): Uint8Array | undefined => {
    const start = at[2 * group] ?? -1;
    return start < 0 ? undefined : text.subarray(start, at[2 * group + 1]);
  };
  for (let group = 0; group <= pattern.groups; group += 1) table.set(group, piece(group));
  for (const [name, group] of pattern.names) table.set(name, piece(group));
  return table;
}

/** Text, pattern and flags of every function, and the place to start at where there is one. */
function readSearch(cache: PatternCache, args: HostArguments, call: HostCall<HostContext>, initAt?: number): Search {
  const text = cappedBytes(args, call, 1, textCap);
  const source = args.text(2);
  let pattern: Pattern;
  try {
    pattern = cache.get(source, args.optionalText(3) ?? '');
  } catch (error) {
    if (error instanceof PatternProblem) return args.fail(2, error.message);
    throw error;
  }
  const init = initAt === undefined ? 1 : (args.optionalNumber(initAt) ?? 1);
  if (!Number.isInteger(init)) return args.fail(initAt ?? 4, 'number has no integer representation');
  const from = init < 0 ? Math.max(0, text.length + init) : Math.max(0, init - 1);
  const longest = longestText(pattern);
  if (text.length - from > longest) {
    return args.fail(
      1,
      `${text.length - from} bytes are too long for this pattern (at most ${longest}): simplify it or split the text`,
    );
  }
  call.charge(Math.ceil(((text.length - from) * pattern.weight) / 16));
  return { text, pattern, from };
}

/**
 * Many matches at once, as far as a few milliseconds reach: matches, their positions, where to go on (0: done), and where the
 * last match ended (an empty match right there does not count). Lua asks again, so the results do not depend on the clock.
 */
function scan(cache: PatternCache, args: HostArguments, call: HostCall<HostContext>): Results {
  const { text, pattern, from } = readSearch(cache, args, call, 4);
  let lastEnd = args.integer(5);
  const limit = Math.min(args.integer(6), batchMatches);
  const matches: LuaInput[] = [];
  const places: number[] = [];
  let at = from;
  const started = performance.now();
  for (;;) {
    const found = search(pattern, text, at);
    if (found === undefined) return new Results(matches, places, 0, lastEnd);
    const [start = 0, end = 0] = found;
    if (end > start || start !== lastEnd) {
      matches.push(tableOf(pattern, text, found));
      places.push(start + 1, end);
    }
    lastEnd = end;
    at = end > start ? end : end + (end < text.length ? characterWidth(text, end) : 1);
    if (at > text.length) return new Results(matches, places, 0, lastEnd);
    if (matches.length >= limit || performance.now() - started > batchMs)
      return new Results(matches, places, at + 1, lastEnd);
  }
}

const text = { name: 'text', type: 'string', description: 'UTF-8' };
const pattern = { name: 'pattern', type: 'string', description: 'RE2 syntax; write it as `[[\\d+]]`' };
const flags = {
  name: 'flags',
  type: 'string?',
  description: '`i` any case, `m` ^ and $ at lines, `s` dot matches newlines (`j`, `o`, `u` of OpenResty are accepted)',
};
const init = { name: 'init', type: 'integer?', description: 'byte to start at, default 1' };
const match = {
  name: 'match',
  type: 'table<integer|string, string>?',
  description: '`[0]` the whole, `[1]`… the groups, named groups by name; nil: no match',
};
const errors = ['raises for a pattern that does not compile or is over a cap, and for a text that is too long for it'];
const caps =
  'text ≤ 64 KiB, pattern ≤ 512 bytes, 32 groups, 1,000 steps; bytes × steps ≤ 400,000 per search; costs CPU by both';

function luaEntry(
  name: string,
  summary: string,
  parameters: HostEntry['parameters'],
  returns: HostEntry['returns'],
  example: string,
): HostEntry {
  return { name, summary, parameters, returns, errors, example, caps, implementation: { kind: 'lua' } };
}

/** The module with a pattern cache of its own. */
export function createRe(): HostModule {
  const cache = new PatternCache();
  return {
    name: 're',
    summary:
      'Regular expressions in RE2 syntax: linear time, no backreferences, no lookaround. Positions are bytes, as in `string.find`.',
    entries: [
      {
        name: 're.test',
        summary: 'Whether the pattern matches anywhere.',
        parameters: [text, pattern, flags],
        returns: [{ name: 'matches', type: 'boolean', description: 'true or false' }],
        errors,
        example: `return function()
  assert(re.test("release-1.2.3", [[^release-\\d+(\\.\\d+)*$]]))
end`,
        caps,
        implementation: pure('re.test', (args, call) => {
          const { text, pattern, from } = readSearch(cache, args, call);
          return search(pattern, text, from) !== undefined;
        }),
      },
      {
        name: 're.find',
        summary: 'Where the first match begins and ends.',
        parameters: [text, pattern, flags, init],
        returns: [
          { name: 'from', type: 'integer?', description: 'first byte; nil: no match' },
          { name: 'to', type: 'integer?', description: 'last byte' },
        ],
        errors,
        example: `return function()
  local from, to = re.find("id=42;", [[\\d+]])
  assert(from == 4 and to == 5)
end`,
        caps,
        implementation: pure('re.find', (args, call) => {
          const { text, pattern, from } = readSearch(cache, args, call, 4);
          const found = search(pattern, text, from);
          return found === undefined ? undefined : new Results((found[0] ?? 0) + 1, found[1]);
        }),
      },
      {
        name: 're.match',
        summary: 'The first match with its groups.',
        parameters: [text, pattern, flags, init],
        returns: [match],
        errors,
        example: `return function()
  local m = re.match("v1.20", [[v(?P<major>\\d+)\\.(\\d+)]])
  assert(m[0] == "v1.20" and m.major == "1" and m[2] == "20")
end`,
        caps,
        implementation: pure('re.match', (args, call) => {
          const { text, pattern, from } = readSearch(cache, args, call, 4);
          const found = search(pattern, text, from);
          return found === undefined ? undefined : tableOf(pattern, text, found);
        }),
      },
      luaEntry(
        're.gmatch',
        'An iterator over all matches.',
        [text, pattern, flags],
        [
          {
            name: 'iterator',
            type: 'fun(): table<integer|string, string>?',
            description: 'gives one match after the other',
          },
        ],
        `return function()
  local sum = 0
  for m in re.gmatch("1, 22, 333", [[\\d+]]) do sum = sum + tonumber(m[0]) end
  assert(sum == 356)
end`,
      ),
      luaEntry(
        're.gsub',
        'Replaces all matches.',
        [
          text,
          pattern,
          {
            name: 'replacement',
            type: 'string|fun(match: table): string?',
            description: 'text with `$1`, `${name}`, `$0`, `$$`; or a function of the match (nil keeps it)',
          },
          flags,
        ],
        [
          { name: 'text', type: 'string', description: 'the new text' },
          { name: 'count', type: 'integer', description: 'replacements made' },
        ],
        `return function()
  local text, n = re.gsub("a1b22", [[(\\d+)]], "<$1>")
  assert(text == "a<1>b<22>" and n == 2)
end`,
      ),
      luaEntry(
        're.sub',
        'Replaces the first match.',
        [
          text,
          pattern,
          { name: 'replacement', type: 'string|fun(match: table): string?', description: 'as in `re.gsub`' },
          flags,
        ],
        [
          { name: 'text', type: 'string', description: 'the new text' },
          { name: 'count', type: 'integer', description: '0 or 1' },
        ],
        `return function()
  assert(re.sub("a-b-c", "-", "+") == "a+b-c")
end`,
      ),
      luaEntry(
        're.split',
        'The pieces of a text between matches.',
        [
          text,
          pattern,
          flags,
          { name: 'max', type: 'integer?', description: 'pieces at most; the last holds the rest' },
        ],
        [{ name: 'pieces', type: 'string[]', description: 'at least one' }],
        `return function()
  local pieces = re.split("a, b;c", [[[,;]\\s*]])
  assert(#pieces == 3 and pieces[2] == "b")
end`,
      ),
      {
        name: 're.escape',
        summary: 'A pattern that matches a text literally.',
        parameters: [text],
        returns: [{ name: 'pattern', type: 'string', description: 'the escaped text' }],
        errors: ['raises if the text is over the cap'],
        example: `return function()
  assert(re.test("1+1", re.escape("1+1")))
end`,
        caps: 'text ≤ 512 bytes',
        implementation: pure('re.escape', (args, call) =>
          cappedText(args, call, 1, patternCap).replace(/[\\^$.|?*+()[\]{}]/g, '\\$&'),
        ),
      },
    ],
    hidden: [
      pure('re.gmatch', (args, call) => scan(cache, args, call)),
      pure('re.gsub', (args, call) => scan(cache, args, call)),
      pure('re.sub', (args, call) => scan(cache, args, call)),
      pure('re.split', (args, call) => scan(cache, args, call)),
    ],
    lua: reLua,
  };
}
