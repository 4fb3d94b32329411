/** `kv` of functions from outside: the same keys, values and bytes as functions see, one namespace at a time. */
import { decodeJson } from '../../host/json-decode.ts';
import { JsonProblem } from '../../host/json-problem.ts';
import { jsonDecodeLimits } from '../../host/json.ts';
import { EncodeProblem } from '../../host/json-encode.ts';
import { encodeStoredValue, keyCap, longestTtlSeconds } from '../../host/kv-functions.ts';
import { jsonNull, type LuaInput, type LuaKey, type LuaValue } from '../../lua/types.ts';
import type { KeyValueExpectation, KeyValueWrite } from '../../store/store.ts';
import type { KeyValueScope } from '../../store/types.ts';
import { functionIn } from './destination-view.ts';
import type { LiveAnswer } from '../../link/live-questions.ts';
import type { LiveView } from './live-view.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Whose keys: a function's own, or shared ones of its namespace. */
interface Space {
  readonly scope: KeyValueScope;
  /** `team-a/deploy`, `shared flags of team-a`. */
  readonly label: string;
  readonly shown: Readonly<Record<string, string>>;
  /** Of a function: whether it is served. */
  readonly known: boolean;
}

const bad = (message: string): LiveAnswer => ({ status: 400, message });

/** One key with its value, else a page of keys. */
export async function readKeyValues(view: LiveView, namespace: string, query: Fields): Promise<LiveAnswer> {
  const space = readSpace(view, namespace, query);
  if ('status' in space) return space;
  const { key } = query;
  if (key === undefined) return listKeys(view, namespace, space, query);
  const problem = keyProblem(key);
  if (typeof key !== 'string' || problem !== undefined) return bad(problem ?? 'key must be text');
  const found = await view.store.get(space.scope, key);
  if (found === undefined) return absent(space, key);
  return { status: 200, body: { namespace, ...space.shown, key, ...plainValue(found) } };
}

/** Sets a key; with `version` only if it has that one (0: if it is absent). */
export async function setKeyValue(view: LiveView, namespace: string, body: Fields): Promise<LiveAnswer> {
  const space = readSpace(view, namespace, body);
  if ('status' in space) return space;
  const { key, value: text, ttlMs } = body;
  const problem = keyProblem(key);
  if (typeof key !== 'string' || problem !== undefined) return bad(problem ?? 'key must be text');
  if (typeof text !== 'string') return bad('value must be the JSON of the value, as text');
  const value = encodeValue(text);
  if (typeof value === 'string') return bad(value);
  if (ttlMs !== undefined && !(typeof ttlMs === 'number' && ttlMs >= 1 && ttlMs <= longestTtlSeconds * 1000)) {
    return bad(`ttlMs must be a number of milliseconds, at most ${longestTtlSeconds / 86_400} days`);
  }
  const ttl = ttlMs === undefined ? {} : { ttlMs: Math.ceil(ttlMs) };
  return change(view, namespace, space, key, { kind: 'set', value, ...ttl }, body['version']);
}

export async function deleteKeyValue(view: LiveView, namespace: string, query: Fields): Promise<LiveAnswer> {
  const space = readSpace(view, namespace, query);
  if ('status' in space) return space;
  const { key } = query;
  const problem = keyProblem(key);
  if (typeof key !== 'string' || problem !== undefined) return bad(problem ?? 'key must be text');
  if ((await view.store.get(space.scope, key)) === undefined) return absent(space, key);
  return change(view, namespace, space, key, { kind: 'delete' }, query['version']);
}

async function change(
  view: LiveView,
  namespace: string,
  space: Space,
  key: string,
  write: KeyValueWrite['change'],
  wanted: unknown,
): Promise<LiveAnswer> {
  const version = wanted === undefined ? undefined : Number(wanted);
  if (version !== undefined && !(Number.isSafeInteger(version) && version >= 0)) {
    return bad('version must be a whole number: what `get` showed, or 0 for an absent key');
  }
  const { scope, label } = space;
  const expectations: KeyValueExpectation[] = version === undefined ? [] : [{ scope, key, version }];
  const written = await view.store.write([{ scope, key, change: write }], expectations);
  const now = await view.store.get(scope, key);
  if (written.kind !== 'ok') {
    const is = now === undefined ? 'is absent' : `has version ${now.version}`;
    return { status: 409, message: `${JSON.stringify(key)} of ${label} ${is}, not ${version}: read it again` };
  }
  const shown = write.kind === 'delete' ? { deleted: true } : now === undefined ? {} : plainValue(now);
  // A name that is misspelt: keys may be set before their function is there.
  const note = space.known ? {} : { note: `there is no function ${label} now` };
  return { status: 200, body: { namespace, ...space.shown, key, ...shown, ...note } };
}

async function listKeys(view: LiveView, namespace: string, space: Space, query: Fields): Promise<LiveAnswer> {
  const { prefix = '', limit = '100', values } = query;
  const after = query['continue'];
  if (typeof prefix !== 'string' || (after !== undefined && typeof after !== 'string')) return bad('not a query');
  if (typeof limit !== 'string' || !/^[1-9][0-9]{0,3}$/.test(limit) || Number(limit) > 1000) {
    return bad('limit must be a number from 1 to 1000');
  }
  const { scope, known, shown } = space;
  const keys = await view.store.list(scope, prefix, Number(limit), after);
  if (keys.length === 0 && !known && prefix === '' && after === undefined) {
    return { status: 404, message: `there is no function ${space.label}, and nothing is kept under its name` };
  }
  const items = await Promise.all(
    keys.map(async (key) => {
      const found = values === 'true' ? await view.store.get(scope, key) : undefined;
      return { key, ...(found === undefined ? {} : plainValue(found)) };
    }),
  );
  const metadata = keys.length === Number(limit) ? { continue: keys.at(-1) } : {};
  return { status: 200, body: { kind: 'KeyValueList', namespace, ...shown, metadata, items } };
}

/** The namespace of the path is the border: a scope is made of its UID and of a name that cannot leave it. */
function readSpace(view: LiveView, namespace: string, fields: Fields): Space | LiveAnswer {
  const { function: name, shared } = fields;
  if ((name === undefined) === (shared === undefined)) return bad('name a function, or a shared space');
  const namespaceUid = view.namespaceUid(namespace);
  if (shared !== undefined) {
    if (typeof shared !== 'string' || !/^[\w.-]{1,63}$/.test(shared)) {
      return bad("shared must be a name of 1 to 63 letters, digits, '-', '_' or '.'");
    }
    const scope = { namespaceUid, space: `shared:${shared}` };
    return { scope, label: `shared ${shared} of ${namespace}`, shown: { shared }, known: true };
  }
  if (typeof name !== 'string' || !/^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/.test(name)) {
    return bad(`${JSON.stringify(name)} is not the name of a function`);
  }
  const known = functionIn(view.table(), namespaceUid, name) !== undefined;
  return { scope: { namespaceUid, space: name }, label: `${namespace}/${name}`, shown: { function: name }, known };
}

function keyProblem(key: unknown): string | undefined {
  if (typeof key !== 'string') return 'key must be text';
  const bytes = Buffer.byteLength(key);
  return bytes === 0 || bytes > keyCap ? `a key has 1 to ${keyCap} bytes` : undefined;
}

function absent({ label, known, shown }: Space, key: string): LiveAnswer {
  const hint = known || shown['function'] === undefined ? '' : `; there is no such function now`;
  return { status: 404, message: `${label} has no key ${JSON.stringify(key)}${hint}` };
}

function plainValue({
  value,
  version,
  expires,
}: {
  readonly value: Uint8Array;
  readonly version: number;
  readonly expires?: number;
}): Readonly<Record<string, unknown>> {
  const expiry = expires === undefined ? {} : { expires: new Date(expires).toISOString() };
  const text = Buffer.from(value).toString('utf8');
  try {
    return { value: JSON.parse(text) as unknown, version, ...expiry };
  } catch {
    // Written by another program than a function of this version.
    return { valueBase64: Buffer.from(value).toString('base64'), version, ...expiry };
  }
}

/** The very bytes that `kv.set` writes: `kv.cas` compares them. A text: why they cannot be made. */
function encodeValue(text: string): Uint8Array | string {
  try {
    const value = toLuaValue(decodeJson(text, { ...jsonDecodeLimits, keepNulls: true }));
    if (value === undefined || value === jsonNull) return 'null is no value: delete the key';
    return encodeStoredValue(value);
  } catch (error) {
    if (error instanceof JsonProblem) return `the value is not JSON: ${error.message}`;
    if (error instanceof EncodeProblem) return `the value cannot be kept: ${error.message}`;
    throw error;
  }
}

function toLuaValue(input: LuaInput): LuaValue {
  if (input === null) return jsonNull;
  if (typeof input !== 'object' || input instanceof Uint8Array) return input;
  if (Array.isArray(input)) return input.map((item: LuaInput) => toLuaValue(item));
  const entries: Iterable<readonly [LuaKey, LuaInput]> =
    input instanceof Map ? (input as ReadonlyMap<LuaKey, LuaInput>) : Object.entries(input as Record<string, LuaInput>);
  return new Map([...entries].map(([key, value]) => [key, toLuaValue(value)] as const));
}
