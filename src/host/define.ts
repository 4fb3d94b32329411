/** Short forms for writing host functions: kinds, error answers, caps. */
import { Refusal } from '../failures/refusal.ts';
import {
  LuaRaise,
  Results,
  type HostArguments,
  type HostCall,
  type HostFunction,
  type LuaInput,
} from '../lua/types.ts';
import type { HostContext } from './types.ts';

/** A pure function, allowed while a module loads. */
export function pure(
  name: string,
  run: (args: HostArguments, call: HostCall<HostContext>) => LuaInput | Results,
): HostFunction<HostContext> {
  return { kind: 'direct', name, atLoad: true, run };
}

/** A function that answers at once but learns from outside: clock, randomness. */
export function inHandler(
  name: string,
  run: (args: HostArguments, call: HostCall<HostContext>) => LuaInput | Results,
): HostFunction<HostContext> {
  return { kind: 'direct', name, atLoad: false, run };
}

/** A function that waits. Arguments are read before the first wait. What the installation refuses is answered as `nil, err`. */
export function waiting(
  name: string,
  run: (args: HostArguments, call: HostCall<HostContext>) => Promise<LuaInput | Results>,
): HostFunction<HostContext> {
  const answer = async (args: HostArguments, call: HostCall<HostContext>): Promise<LuaInput | Results> => {
    try {
      return await run(args, call);
    } catch (error) {
      if (error instanceof Refusal) return failed(`${name}: ${error.message}`);
      throw error;
    }
  };
  return { kind: 'waiting', name, atLoad: false, run: answer };
}

/** The answer `nil, err`. */
export function failed(message: string, more: { readonly [key: string]: LuaInput } = {}): Results {
  return new Results(null, { message, ...more });
}

/** The bytes of an argument within a cap; charges for them. */
export function cappedBytes(args: HostArguments, call: HostCall, position: number, cap: number): Uint8Array {
  const bytes = args.bytes(position);
  if (bytes.length > cap) args.fail(position, `longer than ${describeSize(cap)}`);
  call.charge(bytes.length);
  return bytes;
}

/** The text of an argument within a cap in bytes; charges for it. */
export function cappedText(args: HostArguments, call: HostCall, position: number, cap: number): string {
  const text = args.text(position, cap);
  call.charge(text.length);
  return text;
}

/** `1 MiB`, `64 KiB`, `512 bytes`. */
export function describeSize(bytes: number): string {
  if (bytes % 1_048_576 === 0) return `${bytes / 1_048_576} MiB`;
  return bytes % 1024 === 0 ? `${bytes / 1024} KiB` : `${bytes} bytes`;
}

/** One of several words. */
export function oneOf<const Word extends string>(
  args: HostArguments,
  position: number,
  words: readonly Word[],
): Word | undefined {
  const given = args.optionalText(position);
  if (given === undefined) return undefined;
  const found = words.find((word) => word === given);
  return found ?? args.fail(position, `"${given.slice(0, 32)}" is none of ${words.join(', ')}`);
}

/** A table of options with string keys; other keys are refused by name. Absent: no options. */
export function readOptions(
  args: HostArguments,
  position: number,
  known: readonly string[],
): ReadonlyMap<string, unknown> {
  if (args.type(position) === 'nil') return new Map();
  if (args.type(position) !== 'table') args.fail(position, `table expected, got ${args.type(position)}`);
  const value = args.value(position);
  if (!(value instanceof Map)) {
    return Array.isArray(value) && value.length > 0
      ? args.fail(position, 'a table of options expected, got a list')
      : new Map();
  }
  const options = new Map<string, unknown>();
  for (const [key, option] of value) {
    if (typeof key !== 'string' || !known.includes(key)) {
      return args.fail(position, `unknown option "${String(key).slice(0, 32)}"; known are ${known.join(', ')}`);
    }
    options.set(key, option);
  }
  return options;
}

/** A number of seconds as milliseconds; raises for anything else. */
export function secondsToMs(
  args: HostArguments,
  position: number,
  name: string,
  value: unknown,
  maxSeconds: number,
): number {
  if (typeof value !== 'number' || !(value >= 0) || value > maxSeconds) {
    return args.fail(position, `${name} must be a number of seconds from 0 to ${maxSeconds}`);
  }
  return Math.round(value * 1000);
}

/** A text option; raises for anything else. */
export function textOption(
  args: HostArguments,
  position: number,
  options: ReadonlyMap<string, unknown>,
  name: string,
): string | undefined {
  const value = options.get(name);
  if (value === undefined || typeof value === 'string') return value;
  return args.fail(position, `${name} must be a string`);
}

/** Raises at the user's line with the function's name in front. */
export function raise(name: string, message: string): never {
  throw new LuaRaise(`${name}: ${message}`);
}
