/** Functions over values through real Lua: JSON, encodings, URLs, time, hashes, tokens, patterns, XML, logging, inspect. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, test } from 'node:test';
import { hostBench } from '../builders/host-engine.ts';

const bench = await hostBench({ now: () => 1_700_000_000_123 });
after(async () => {
  assert.deepEqual(bench.defects, []);
  await bench.close();
});

/** Each line is an expression that must hold. */
function holds(title: string, lines: readonly string[], env: Readonly<Record<string, string>> = {}): void {
  test(title, async () => {
    for (const line of lines) assert.equal(await bench.value(`return (${line})`, { env }), true, line);
  });
}

/** Each line is a statement and the error it raises. */
function raises(title: string, lines: readonly (readonly [string, RegExp])[]): void {
  test(title, async () => {
    for (const [line, message] of lines) assert.match(await bench.error(line), message, line);
  });
}

holds('json keeps what JSON can say', [
  'json.encode({ 1, 2.0, 2^53, math.maxinteger, math.mininteger, "ä" }) == "[1,2,9007199254740992,9223372036854775807,-9223372036854775808,\\"ä\\"]"',
  'json.decode("9223372036854775807") == math.maxinteger',
  'math.type(json.decode("5.0")) == "integer" and math.type(json.decode("5.5")) == "float"',
  'json.decode("{\\"a\\":null}").a == nil and #json.decode("[null,null]") == 2',
  'json.encode(json.decode(\'{"a":[],"b":{},"c":[{}]}\')):find(\'"a":[]\', 1, true) ~= nil',
  'json.encode(json.decode("[[],{}]")) == "[[],{}]"',
  'json.encode({}) == "{}" and json.encode(json.array()) == "[]" and json.encode(nil) == "null"',
  'json.encode({ [1] = "a", [3] = "c" }) == \'["a",null,"c"]\'',
  'json.decode(\'{"__proto__":{"polluted":true}}\')["__proto__"].polluted == true and ({}).polluted == nil',
  'json.decode("\\"\\\\u0000\\"") == "\\0"',
]);

raises('json says where', [
  ['json.decode("{\\n  x }")', /hook:2: json\.decode: line 2, column 3: expected a member name in quotes, got "x"/],
  ['json.encode({ a = { 1, 0/0 } })', /json\.encode: NaN has no JSON form at \.a\[2\]/],
  [
    'json.encode({ list = { "ok", "\\255" } })',
    /not valid UTF-8 \(byte 1; use base64\.encode for bytes\) at \.list\[2\]/,
  ],
  ['json.encode({ f = print })', /a function cannot be passed on/],
  ['json.encode()', /value expected/],
  ['json.decode("\\255")', /the string is not valid UTF-8/],
  ['json.decode()', /string expected, got no value/],
  ['json.encode({ [1] = 1, [100] = 2 })', /an array with too many gaps/],
]);

holds('cjson behaves as code for OpenResty expects', [
  'require("cjson") == cjson and require("cjson.safe") == cjson.safe',
  'cjson.decode("{\\"a\\":null}").a == cjson.null and cjson.null == json.null',
  'select(2, cjson.safe.decode("{")):find("line 1, column 2", 1, true) ~= nil and cjson.safe.encode(print) == nil',
  'cjson.encode(cjson.empty_array) == "[]" and cjson.encode(setmetatable({}, cjson.empty_array_mt)) == "[]"',
  '(function() cjson.encode_sparse_array(true) return cjson.encode({ [1000] = 1 }) end)() == \'{"1000":1}\'',
  'pcall(cjson.encode, { [1000] = 1 }) == false',
  '(function() cjson.encode_max_depth(1) return pcall(cjson.encode, { {} }) end)() == false',
  '(function() cjson.encode_invalid_numbers("null") return cjson.encode({ 0/0 }) end)() == "[null]"',
  'cjson.encode({ a = 1 }) == \'{"a":1}\'',
]);

holds('base64 and hex take canonical text only', [
  'base64.encode("\\0\\255") == "AP8=" and base64.decode("AP8=") == "\\0\\255"',
  'base64.decode("AP8") == nil and base64.decode("AP9=") == nil and base64.decode("A P8=") == nil and base64.decode("-_8=") == nil',
  'base64.decode_url("-_8") == "\\xfb\\xff" and base64.decode_url("-_8=") == "\\xfb\\xff" and base64.decode_url("+/8") == nil',
  'base64.decode_url("AA==") == "\\0" and base64.decode_url("AA=") == nil and base64.decode("") == ""',
  'hex.decode("0G") == nil and hex.decode("000") == nil and hex.encode(hex.decode("DEADbeef")) == "deadbeef"',
]);

holds('URLs', [
  'url.parse("http://u:p%40@[::1]:80/a?b#c").host == "[::1]" and url.parse("http://u:p%40@x/").password == "p@"',
  'url.parse("/relative") == nil and url.parse("") == nil',
  'url.build({ scheme = "http", host = "example.com", port = 8080, path = "a b", query = "x=1", fragment = "f" }) == "http://example.com:8080/a%20b?x=1#f"',
  'url.encode_query({ b = 2, a = { true, "ü&" } }) == "a=true&a=%C3%BC%26&b=2" and url.encode_query({}) == ""',
  'url.decode_query("?a=1&a=2&=x&b").a == "1" and url.decode_query("__proto__=1")["__proto__"] == "1"',
]);

raises('URL misuse', [
  ['url.build({ host = "a/b" })', /host is missing or not a host/],
  ['url.build({ host = "x", port = 99999 })', /port must be an integer/],
  ['url.encode_query({ a = print })', /a function cannot be passed on/],
  ['url.encode_query("x")', /a table of names and values expected/],
]);

holds('time', [
  'time.now() == 1700000000.123 and time.iso(time.now()) == "2023-11-14T22:13:20.123Z"',
  'time.parse("2023-11-14T22:13:20.123Z") == 1700000000.123 and time.parse("2023-11-14 23:13:20+01:00") == 1700000000',
  'time.parse(time.http(1700000000)) == 1700000000 and time.parse("14 Nov 2023 22:13:20 -0000") == 1700000000',
  'time.parse("2024-02-29") ~= nil and time.parse("2023-02-29") == nil and time.parse("2023-13-01") == nil and time.parse("soon") == nil',
  'time.parse("2023-01-01T24:00:00Z") == nil and time.iso(-1) == "1969-12-31T23:59:59Z"',
]);

holds('hashes and comparison', [
  'crypto.sha256("", "base64") == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="',
  '#crypto.md5("\\0\\255") == 16 and crypto.md5("\\0\\255", "hex") == hex.encode(crypto.md5("\\0\\255"))',
  'crypto.equal("a\\0b", "a\\0b") and not crypto.equal("a\\0b", "a\\0c") and not crypto.equal("", "a") and crypto.equal("", "")',
  'crypto.random(8) ~= crypto.random(8)',
]);

raises('crypto misuse', [
  ['crypto.hmac("sha3", "k", "x")', /"sha3" is none of sha256/],
  ['crypto.sha256("x", "HEX")', /"HEX" is none of hex, base64/],
  ['crypto.sha256(nil)', /string expected, got nil/],
  ['crypto.sha256({})', /string expected, got table/],
  ['crypto.random(0)', /a count from 1 to 4096/],
  ['crypto.random(1e9)', /a count from 1 to 4096/],
  ['crypto.ed25519_verify("short", "m", "s")', /an Ed25519 public key/],
  ['crypto.jwt_sign({}, "short")', /a secret of at least 16 bytes/],
  ['crypto.jwt_sign("x", ("k"):rep(32))', /a table of claims expected/],
  ['crypto.jwt_sign({}, ("k"):rep(32), { alg = "none" })', /alg "none" does not fit the key/],
  ['crypto.jwt_sign({}, ("k"):rep(32), { alg = "RS256" })', /alg "RS256" does not fit the key/],
]);

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const env = {
  PRIVATE: ec.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  PUBLIC: ec.publicKey.export({ format: 'pem', type: 'spki' }).toString(),
  SECRET: 'k'.repeat(32),
};
holds(
  'tokens are verified by key, algorithm, time, issuer and audience',
  [
    'assert(crypto.jwt_verify(assert(crypto.jwt_sign({ sub = "a", big = 9007199254740991 }, env.PRIVATE)), env.PUBLIC)).sub == "a"',
    'select(2, crypto.jwt_verify(crypto.jwt_sign({ sub = "a" }, env.PRIVATE), env.PUBLIC, { algorithms = { "RS256" } })).message:find("refused") ~= nil',
    'crypto.jwt_verify(crypto.jwt_sign({ exp = 1600000000 }, env.SECRET), env.SECRET) == nil',
    'crypto.jwt_verify(crypto.jwt_sign({ exp = 1699999990 }, env.SECRET), env.SECRET, { leeway = 60 }) ~= nil',
    'crypto.jwt_verify(crypto.jwt_sign({ nbf = 1800000000 }, env.SECRET), env.SECRET) == nil',
    'crypto.jwt_verify(crypto.jwt_sign({ iss = "a", aud = "b" }, env.SECRET), env.SECRET, { issuer = "a", audience = "b" }) ~= nil',
    'crypto.jwt_verify(crypto.jwt_sign({ iss = "a", aud = "b" }, env.SECRET), env.SECRET, { issuer = "x" }) == nil',
    'crypto.jwt_verify(crypto.jwt_sign({}, env.SECRET, { alg = "HS512" }), env.SECRET) == nil',
    'crypto.jwt_verify(crypto.jwt_sign({}, env.SECRET), ("x"):rep(32)) == nil',
    // Claims keep their names, 64-bit numbers and order of precedence whatever they are called.
    'assert(crypto.jwt_verify(crypto.jwt_sign({ ["\\n"] = "n", ["\\\\"] = "b", ["__proto__"] = "p", constructor = 1 }, env.SECRET), env.SECRET))["__proto__"] == "p"',
    'assert(crypto.jwt_verify(crypto.jwt_sign({ ["\\n"] = "n", ["\\\\"] = "b" }, env.SECRET), env.SECRET))["\\n"] == "n"',
    'assert(crypto.jwt_verify(crypto.jwt_sign({ id = 9223372036854775807 }, env.SECRET), env.SECRET)).id == 9223372036854775807',
    'assert(crypto.jwt_verify(crypto.jwt_sign({ iat = 5 }, env.SECRET), env.SECRET)).iat == 5',
    'crypto.jwt_verify(crypto.jwt_sign({ exp = "never" }, env.SECRET), env.SECRET) == nil',
    'crypto.jwt_verify(crypto.jwt_sign({ aud = { "x", "b" } }, env.SECRET), env.SECRET, { audience = "b" }) ~= nil',
    'crypto.jwt_verify(crypto.jwt_sign({ aud = { "x", "y" } }, env.SECRET), env.SECRET, { audience = "b" }) == nil',
    'crypto.jwt_verify(crypto.jwt_sign({}, env.SECRET), env.SECRET, { audience = "b" }) == nil',
    // A public key is no HMAC secret: what anyone can sign with it is not accepted.
    'pcall(crypto.jwt_verify, crypto.jwt_sign({}, env.SECRET), env.PUBLIC, { algorithms = { "HS256" } }) == false',
    'pcall(crypto.jwt_sign, {}, env.PUBLIC, { alg = "HS256" }) == false',
  ],
  env,
);

holds('patterns match, replace and split as documented', [
  're.match("key=value", "(?P<k>\\\\w+)=(\\\\w+)").k == "key" and re.match("x", "(a)?x")[1] == nil',
  're.match("x", "y") == nil and re.find("äöü", "ü") == 5 and select(2, re.find("äöü", "ü")) == 6',
  're.find("abab", "ab", nil, 2) == 3 and re.find("abab", "ab", "", -2) == 3 and re.find("ab", "^b", nil, 2) == nil',
  're.gsub("aaa", "a*", "-") == "-" and re.gsub("abc", "", "-") == "-a-b-c-" and re.gsub("äb", "", "-") == "-ä-b-"',
  're.gsub("John Smith", "(\\\\w+) (?P<last>\\\\w+)", "${last}, $1 $$0") == "Smith, John $0"',
  're.gsub("a1b2", "\\\\d", function(m) return m[0] * 2 end) == "a2b4" and re.gsub("ab", "a", function() end) == "ab"',
  're.test("A\\nB", "^b$", "im") and re.test("a\\nb", "a.b", "s") and not re.test("a\\nb", "a.b") and re.test("a", "A", "ijo")',
  '#re.split("a,b,,c", ",") == 4 and re.split("a,b,c", ",", nil, 2)[2] == "b,c" and re.split("abc", "")[3] == "c" and re.split("", ",")[1] == ""',
  '(function() local n = 0 for m in re.gmatch(("ab"):rep(500), "(a)(b)") do n = n + #m[1] + #m[2] end return n end)() == 1000',
  're.gsub(("x"):rep(1000), "x", "yy") == ("yy"):rep(1000) and select(2, re.gsub(("x"):rep(1000), "x", "y")) == 1000',
  're.test("a.b", "^" .. re.escape("a.b") .. "$") and not re.test("aXb", "^" .. re.escape("a.b") .. "$")',
  're.match("\\255a", "a")[0] == "a"',
]);

raises('pattern misuse', [
  ['re.match("x", "(")', /bad argument #2 to 'match' \(.*missing closing \)/],
  ['re.match("x", "(?=x)")', /bad argument #2 to 'match'/],
  ['re.match("x", "a", "q")', /unknown flag "q"/],
  ['re.match("x", ("a"):rep(600))', /longer than 512 bytes/],
  ['re.match(("x"):rep(70000), "a")', /longer than 64 KiB/],
  ['re.gsub("x", "x", "$")', /a '\$' in the replacement/],
  ['re.gsub("x", "x", {})', /string or function expected, got table/],
  ['re.gsub("x", "x", function() return {} end)', /gave a table instead of a string/],
]);

holds('XML is read, and nothing of it is executed', [
  'xml.decode("<a x=\'1\'>t<b/>u</a>").text == "tu" and xml.decode("<a><![CDATA[<&>]]></a>").text == "<&>"',
  'xml.decode("<?xml version=\'1.0\'?><a>&#65;&#x42;&lt;</a>").text == "AB<"',
  'xml.decode("<ns:a xmlns:ns=\'u\'><ns:b>1</ns:b></ns:a>").children[1].name == "ns:b"',
  'select(2, xml.decode("<!DOCTYPE a [<!ENTITY x \'y\'>]><a>&x;</a>")).message:find("document types") ~= nil',
  'select(2, xml.decode("<a>&x;</a>")).message:find("not known") ~= nil',
  'xml.decode("<a>") == nil and xml.decode("<a></b>") == nil and xml.decode("") == nil and xml.decode("<a/><b/>") == nil and xml.decode("<a>&#0;</a>") == nil',
  'xml.decode("<__proto__/>") == nil and xml.decode(("<a>"):rep(100) .. ("</a>"):rep(100)) == nil',
]);

holds('inspect shows any value and ends', [
  'inspect({ b = 1, a = "x", [1] = true, [2.5] = false }) == "{true, [2.5] = false, a = \\"x\\", b = 1}"',
  '(function() local t = {} t.self = t return inspect(t) end)() == "{self = <cycle>}"',
  'inspect(print) == "<function>" and inspect(nil) == "nil" and inspect(json.null) == "null" and inspect("a\\nb") == [["a\\nb"]]',
  'inspect({ { { 1 } } }, 2) == "{{{…}}}"',
  'inspect(base64.decode("!")) == [[nil, {message = "the text is not valid base64"}]] and inspect(base64.decode("YQ==")) == [["a"]]',
  '#inspect(("x"):rep(1000000)) < 70000',
  'inspect(setmetatable({ x = 1 }, { __tostring = function() error("no") end, __pairs = function() error("no") end })) == "{x = 1}"',
]);

holds('dig, fail and retry_after', [
  'dig({ a = { { b = 1 } } }, "a", 1, "b") == 1 and dig(nil, "a") == nil and dig("text", "len") == nil and dig({}, nil) == nil',
  'dig({ a = json.null }, "a") == json.null and dig({ a = json.null }, "a", "b") == nil and dig(5) == 5',
  'tostring(fail("x")) == "x" and fail("x").permanent == true and getmetatable(fail("x")) == false',
  'retry_after(1.5, "busy").message == "busy" and tostring(retry_after(30)) == "try again after 30 s"',
]);

test('log lines have level and fields, any message, and stop at their cap', async () => {
  const result = await bench.run(`return function()
    log.info("text", { a = 1 }) log.warn({ x = 1 }) log.error(nil) log.debug(5) print("p", 1)
    log.info("list", { "a" })
  end`);
  assert.deepEqual(
    result.usage.log.map(({ level, message, fields }) => [
      level,
      message,
      fields === undefined ? undefined : [...fields],
    ]),
    [
      ['info', 'text', [['a', 1]]],
      ['warn', '{"x":1}', undefined],
      ['error', 'nil', undefined],
      ['debug', '5', undefined],
      ['info', 'p\t1', undefined],
      ['info', 'list', [[1, 'a']]],
    ],
  );
  const flood = await bench.run('return function() for i = 1, 1e5 do log.info(("x"):rep(1000)) end end');
  assert.equal(flood.usage.logTruncated, true);
  assert.ok(JSON.stringify(flood.usage.log.map((line) => line.message)).length < 80_000);
});

/** `table.insert(list, time.parse(text))` takes a second value, even nil, for a place in the list. */
holds('what succeeds answers one value, and what fails two', [
  'select("#", base64.decode("YQ==")) == 1 and select("#", base64.decode("!")) == 2',
  'select("#", time.parse("2024-01-01")) == 1 and select("#", url.parse("http://a/")) == 1 and select("#", xml.decode("<a/>")) == 1',
  '(function() local list = {} table.insert(list, time.parse("2024-01-01")) return list[1] == 1704067200 end)()',
]);

test('an error value without a text is shown as it is', async () => {
  assert.match(await bench.error('error({ code = 7, why = { "a" } })'), /\{code = 7, why = \{"a"\}\}$/);
  assert.match(await bench.error('error({ message = "said" })'), /said$/, 'control: a message is the text');
  const own = 'error(setmetatable({ code = 7 }, { __tostring = function() return "own" end }))';
  assert.match(await bench.error(own), /own$/, 'control: so is __tostring');
});
