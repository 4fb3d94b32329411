/**
 * No direct host function holds its thread for long, whatever it is given: at most the 20 ms it is written for on a machine
 * of its own, five times as long here, where machines are shared. What grows out of hand takes seconds.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { hostBench } from '../builders/host-engine.ts';

const bench = await hostBench();
after(async () => {
  assert.deepEqual(bench.defects, []);
  await bench.close();
});

const limitMs = 100;
const limits = { cpuMs: 5_000, memoryBytes: 256 * 1024 * 1024 };

/** Busy machines take the processor in between and slow its caches: the best of as many runs as fit in so long. */
const patienceMs = 20_000;

/** Time of one use of an input: the first run within the limit, else the best one. */
async function fastest(make: string, use: string): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  const giveUp = performance.now() + patienceMs;
  while (best > limitMs && performance.now() < giveUp) {
    const result = await bench.run(
      `return function()
        local x = ${make}
        local started = os.clock()
        pcall(function() return ${use} end)
        return (os.clock() - started) * 1000
      end`,
      { limits },
    );
    assert.equal(result.kind, 'ok');
    if (result.kind === 'ok') best = Math.min(best, Number(result.values[0]));
  }
  return best;
}

const rep = (text: string, count: number): string => `string.rep(${JSON.stringify(text)}, ${count})`;
const list = (count: number, item: string): string =>
  `(function() local t = {} for i = 1, ${count} do t[i] = ${item} end return t end)()`;
const names = (count: number): string =>
  `(function() local t = {} for i = 1, ${count} do t["k" .. i] = i end return t end)()`;

const cases: readonly (readonly [name: string, make: string, use: string])[] = [
  ['json.decode of many numbers', rep('1.5e10,', 39_990), 'json.decode("[" .. x .. "0]")'],
  ['json.decode of too many values', rep('0,', 500_000), 'json.decode("[" .. x .. "0]")'],
  ['json.decode of many strings', rep('"abcdefghijklmno",', 39_990), 'json.decode("[" .. x .. "0]")'],
  ['json.decode of many tables', rep('{},', 39_990), 'json.decode("[" .. x .. "0]")'],
  ['json.decode of many small objects', rep('{"a":1},', 13_000), 'json.decode("[" .. x .. "0]")'],
  ['json.decode of big integers', rep('12345678901234567,', 39_990), 'json.decode("[" .. x .. "0]")'],
  [
    'json.decode of many names',
    `table.concat(${list(19_900, `'"k' .. i .. '":1'`)}, ",")`,
    'json.decode("{" .. x .. "}")',
  ],
  ['json.decode of escapes', rep('\\n', 524_000), `json.decode('"' .. x .. '"')`],
  ['json.decode of backslashes without end', rep('\\', 1_048_000), `json.decode('"' .. x)`],
  ['json.decode of surrogate pairs', rep('\\ud83d\\ude00', 87_000), `json.decode('"' .. x .. '"')`],
  ['json.decode of a million brackets', rep('[', 1_000_000), 'json.decode(x)'],
  ['json.decode of a million lines', rep('\n', 1_048_000), 'json.decode(x .. "!")'],
  ['json.encode of many numbers', list(39_990, 'i + 0.5'), 'json.encode(x)'],
  ['json.encode of many names', names(18_000), 'json.encode(x)'],
  ['json.encode of too many values', list(199_990, 'i'), 'json.encode(x)'],
  [
    'json.encode of control characters',
    rep('\\1', 1).replace('\\\\1', '\\1').replace(', 1)', ', 1040000)'),
    'json.encode(x)',
  ],
  ['json.encode of bytes that are not UTF-8', `${rep('a', 1_040_000)} .. "\\255"`, 'json.encode({ x })'],
  ['base64.encode at its cap', rep('a', 4_194_304), 'base64.encode(x)'],
  ['base64.decode at its cap', rep('aaaa', 1_048_576), 'base64.decode(x)'],
  ['base64.decode of 16 MiB', rep('aaaa', 4_194_304), 'base64.decode(x)'],
  ['hex.encode of 16 MiB', rep('aaaa', 4_194_304), 'hex.encode(x)'],
  ['hex.decode at its cap', rep('ab', 2_097_152), 'hex.decode(x)'],
  ['crypto.sha512 at its cap', rep('ab', 2_097_152), 'crypto.sha512(x)'],
  ['crypto.md5 at its cap', rep('ab', 2_097_152), 'crypto.md5(x)'],
  ['crypto.hmac at its cap', rep('ab', 2_097_152), 'crypto.hmac("sha384", "k", x)'],
  ['crypto.equal at its cap', rep('ab', 524_288), 'crypto.equal(x, x)'],
  ['url.decode_query of many parameters', rep('a=1&', 16_000), 'url.decode_query(x)'],
  ['url.parse of many dots', `"http://a/" .. ${rep('a/../', 13_000)}`, 'url.parse(x)'],
  ['url.parse of a long host', `"http://" .. ${rep('é.', 20_000)}`, 'url.parse(x)'],
  ['xml.decode of many elements', `"<r>" .. ${rep('<a/>', 4_900)} .. "</r>"`, 'xml.decode(x)'],
  [
    'xml.decode of many attributes',
    `"<r " .. table.concat(${list(1_600, `"a" .. i .. "=''"`)}, " ") .. "/>"`,
    'xml.decode(x)',
  ],
  ['xml.decode of entities', `"<r>" .. ${rep('&amp;', 26_000)} .. "</r>"`, 'xml.decode(x)'],
  ['xml.decode of open brackets', rep('<', 131_072), 'xml.decode(x)'],
  [
    'xml.decode of a bomb',
    `'<!DOCTYPE a [<!ENTITY b "' .. ${rep('x', 1_000)} .. '">]><a>' .. ${rep('&b;', 40_000)} .. '</a>'`,
    'xml.decode(x)',
  ],
  ['re.find with nested repetition', rep('a', 1_900), 're.find(x, "(?:a?){100}[bc]")'],
  ['re.find with stars of stars', rep('a', 30_000), 're.find(x, "(?:a*)*(?:a*)*(?:a*)*(?:a*)*[bc]")'],
  ['re.match with many groups', rep('a', 600), `re.match(x .. "b", "${'(a|'.repeat(31)}a${')'.repeat(31)}*[bc]")`],
  ['re.find with classes', rep('é', 950), 're.find(x, "(?:\\\\pL?){100}[bc]")'],
  ['re.find compiling a large pattern', rep('(?:x+x+)+', 55), 're.find("y", x)'],
  ['re.find compiling too large a pattern', '"(?:[\\\\pL\\\\pN\\\\pS\\\\pP]{0,29}){33}"', 're.find("y", x)'],
  ['log.info with many fields', names(30_000), 'log.info("x", x)'],
  ['log.info of a long text', rep('x', 16_000_000), 'log.info(x)'],
  ['time.parse of a long text', rep('1', 1_000_000), 'time.parse(x)'],
];

test('control: the measure notices work that takes longer', async () => {
  const result = await bench.run(
    'return function() local started = os.clock() local n = 0 for i = 1, 1e8 do n = n + i end return (os.clock() - started) * 1000 end',
    { limits },
  );
  assert.ok(result.kind === 'ok' && Number(result.values[0]) > limitMs);
});

for (const [name, make, use] of cases) {
  test(`${name} takes at most ${limitMs} ms`, async () => {
    const ms = await fastest(make, use);
    assert.ok(ms <= limitMs, `${ms.toFixed(1)} ms`);
  });
}

test('a quadratic pattern is stopped by the CPU limit between its batches', async () => {
  const result = await bench.run('return function() return re.gsub(string.rep("a", 20000), ".*x|.", "") end', {
    limits: { cpuMs: 100 },
  });
  assert.equal(result.kind, 'cpu');
});
