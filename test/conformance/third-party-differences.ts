/** What of the third-party suite does not pass here, by file and number: the list in docs/reference/lua-differences.md, checked. */

/** Numbers of snippets by file. */
export type Places = Readonly<Record<string, readonly number[]>>;

export interface Difference {
  /** As the page says it. */
  readonly reason: string;
  /** What the snippet ends with here. */
  readonly error: RegExp;
  readonly snippets: Places;
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

/** Not passed by stock Lua 5.4.4 either: they test another version of Lua, or ask for the library of its C tests. */
export const notOfThisLua: Places = {
  api: upTo(35),
  attrib: [1],
  bitwise: [1],
  calls: [2, 16],
  closure: [1],
  code: upTo(14),
  constructs: [3],
  coroutine: [22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35],
  db: [1, 4, 7, 10, 16, 22, 24],
  errors: [5, 7, 20, 32],
  events: [5],
  goto: [2],
  literals: [6],
  math: [10, 12, 37],
  strings: [15],
  tpack: [16],
  utf8: [3, 4],
};

/** Passed by stock Lua 5.4.4 and not here, each on purpose. */
export const differences: readonly Difference[] = [
  {
    reason: 'of `debug` only `traceback` exists',
    error: /field '(getinfo|getlocal|gethook|sethook|getupvalue|setupvalue|setmetatable|upvalueid)'/,
    snippets: {
      calls: [8],
      constructs: [4],
      coroutine: [9, 20],
      db: [2, 3, 6, 8, 9, 11, 12, 13, 14, 15, 18, 19, 21, 23],
      errors: [23, 24],
      events: [11],
      goto: [5],
      locals: [3, 5],
    },
  },
  {
    reason: '`string.dump` is absent: no bytecode leaves or enters a function',
    error: /field 'dump'/,
    snippets: { calls: [10, 12, 13], db: [25], errors: [11] },
  },
  {
    reason: '`package`, `io` and `require` of libraries do not exist',
    error: /global 'package'|global 'io'|module 'debug' not found/,
    snippets: { bitwise: [2, 3, 4, 5, 6, 7, 8], events: [2], literals: [4, 11] },
  },
  {
    reason: 'wording of an error about `io` or `debug`, which do not exist',
    error: /assertion failed/,
    snippets: { errors: [8, 9] },
  },
  {
    reason: '`collectgarbage` takes any option and does nothing',
    error: /bad argument #1 to 'find' \(string expected, got boolean\)/,
    snippets: { errors: [10] },
  },
  {
    reason: 'a handler itself runs in a coroutine',
    error: /assertion failed/,
    snippets: { coroutine: [1] },
  },
  {
    reason: '`<=` is not guessed from `__lt`, as Lua 5.4 has it; Debian builds the guess in',
    error: /attempt to compare/,
    snippets: { coroutine: [18, 19], events: [3, 4, 8] },
  },
  {
    reason: 'tracebacks leave out frames of the host and of the sandbox',
    error: /assertion failed/,
    snippets: { db: [17] },
  },
];
