/** The host functions of `kv`: their arguments, and what the store of the call answers. */
import {
  Results,
  type HostArguments,
  type HostCall,
  type HostFunction,
  type LuaInput,
  type LuaValue,
} from '../lua/types.ts';
import type { KeyValueScope } from '../store/types.ts';
import { failed, readOptions, secondsToMs, textOption, waiting } from './define.ts';
import { holdUntilKept, holdUntilStored, holdWhatIsRead } from './hold-value.ts';
import { decodeJson } from './json-decode.ts';
import { defaultEncodeOptions, encodeJson, EncodeProblem } from './json-encode.ts';
import { jsonDecodeLimits } from './json.ts';
import type { HostContext } from './types.ts';

/** Bytes of a key, at most. */
export const keyCap = 512;
const valueCap = 256 * 1024;
const largestPage = 1_000;
/** A key may live so long. */
export const longestTtlSeconds = 366 * 86_400;

/** Names sorted, so that equal tables are equal bytes: `kv.cas` compares those. */
const encodeOptions = { ...defaultEncodeOptions, maxBytes: valueCap, sortKeys: true };

function readKey(args: HostArguments, position: number): string {
  const key = args.text(position);
  const length = Buffer.byteLength(key);
  if (length === 0 || length > keyCap) return args.fail(position, `a key of 1 to ${keyCap} bytes expected`);
  return key;
}

/** The bytes of a value as they are kept; throws an EncodeProblem. */
export function encodeStoredValue(value: LuaValue): Uint8Array {
  return Buffer.from(encodeJson(value, encodeOptions));
}

function encodeValue(args: HostArguments, position: number): Uint8Array {
  const value = args.value(position);
  if (value === undefined) return args.fail(position, 'value expected, got nil (use kv.delete)');
  try {
    return encodeStoredValue(value);
  } catch (error) {
    return args.fail(position, error instanceof EncodeProblem ? error.message : 'the value has no JSON form');
  }
}

/** `{ ttl = seconds }` or a number of seconds. */
function readTtl(args: HostArguments, position: number): number | undefined {
  const given =
    args.type(position) === 'number' ? args.number(position) : readOptions(args, position, ['ttl']).get('ttl');
  if (given === undefined) return undefined;
  const ms = secondsToMs(args, position, 'ttl', given, longestTtlSeconds);
  return ms > 0 ? ms : args.fail(position, 'ttl must be above 0');
}

/** The function's own space, or the shared one whose name the Lua part passes last. */
function scopeOf(args: HostArguments, position: number, call: HostCall<HostContext>): KeyValueScope {
  const shared = args.optionalText(position);
  return { namespaceUid: call.namespaceUid, space: shared === undefined ? call.functionName : `shared:${shared}` };
}

function stored(bytes: Uint8Array | undefined): LuaInput {
  return bytes === undefined ? undefined : decodeJson(Buffer.from(bytes).toString(), jsonDecodeLimits);
}

/** Each function has a fixed number of parameters; the shared space's name comes after them. */
const functions: readonly HostFunction<HostContext>[] = [
  waiting('kv.get', async (args, call) => {
    const key = readKey(args, 1);
    const scope = scopeOf(args, 2, call);
    call.note?.(key);
    return stored(await holdWhatIsRead(call, () => call.context.keyValue.get(scope, key)));
  }),
  waiting('kv.set', async (args, call) => {
    const key = readKey(args, 1);
    const value = encodeValue(args, 2);
    const ttl = readTtl(args, 3);
    const scope = scopeOf(args, 4, call);
    call.note?.(key);
    const outcome = await holdUntilKept(call, value, () => call.context.keyValue.set(scope, key, value, ttl));
    return outcome.ok ? true : failed(`kv.set: ${outcome.message}`);
  }),
  waiting('kv.delete', async (args, call) => {
    const key = readKey(args, 1);
    const scope = scopeOf(args, 2, call);
    call.note?.(key);
    return holdWhatIsRead(call, () => call.context.keyValue.delete(scope, key));
  }),
  waiting('kv.list', async (args, call) => {
    const prefix = args.optionalText(1) ?? '';
    const options = readOptions(args, 2, ['limit', 'cursor']);
    const limit = options.get('limit') ?? 100;
    if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > largestPage) {
      return args.fail(2, `limit must be an integer from 1 to ${largestPage}`);
    }
    const cursor = textOption(args, 2, options, 'cursor');
    const scope = scopeOf(args, 3, call);
    const page = await call.context.keyValue.list(scope, prefix, limit, cursor);
    return new Results(page.keys, page.cursor);
  }),
  waiting('kv.add', async (args, call) => {
    const key = readKey(args, 1);
    const value = encodeValue(args, 2);
    const ttl = readTtl(args, 3);
    const scope = scopeOf(args, 4, call);
    call.note?.(key);
    return holdUntilStored(call, value, () => call.context.keyValue.add(scope, key, value, ttl));
  }),
  waiting('kv.incr', async (args, call) => {
    const key = readKey(args, 1);
    const delta = args.optionalNumber(2) ?? 1;
    if (!Number.isSafeInteger(delta)) return args.fail(2, 'an integer expected');
    const ttl = readTtl(args, 3);
    const scope = scopeOf(args, 4, call);
    call.note?.(key);
    const value = await holdWhatIsRead(call, () => call.context.keyValue.increment(scope, key, delta, ttl));
    return value ?? failed(`kv.incr: "${key}" holds something else than an integer`);
  }),
  waiting('kv.cas', async (args, call) => {
    const key = readKey(args, 1);
    const expected = args.type(2) === 'nil' ? undefined : encodeValue(args, 2);
    const value = encodeValue(args, 3);
    const ttl = readTtl(args, 4);
    const scope = scopeOf(args, 5, call);
    call.note?.(key);
    const compareAndSet = (): Promise<boolean> => call.context.keyValue.compareAndSet(scope, key, expected, value, ttl);
    return holdUntilKept(call, value, () => holdWhatIsRead(call, compareAndSet));
  }),
];

/** One of them by its full name. */
export function keyValueFunction(name: string): HostFunction<HostContext> {
  const found = functions.find((entry) => entry.name === name);
  if (found === undefined) throw new Error(`no host function ${name}`);
  return found;
}
