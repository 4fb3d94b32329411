/** `log`: lines of the call's log with a level and fields. */
import { Results, type HostArguments, type LogLevel, type LuaKey, type LuaValue } from '../lua/types.ts';
import { encodeJson, EncodeProblem } from './json-encode.ts';
import { pure } from './define.ts';
import type { HostEntry, HostModule } from './types.ts';

const messageCap = 16 * 1024;

function messageOf(args: HostArguments): string {
  const type = args.type(1);
  if (type === 'string') return Buffer.from(args.bytes(1).subarray(0, messageCap)).toString();
  if (type === 'number') return args.text(1);
  if (type === 'boolean') return String(args.boolean(1));
  if (type === 'nil') return 'nil';
  return type === 'table' ? asJson(args, args.value(1)) : args.fail(1, `string expected, got ${type}`);
}

function asJson(args: HostArguments, value: LuaValue): string {
  try {
    return encodeJson(value).slice(0, messageCap);
  } catch (error) {
    return error instanceof EncodeProblem ? args.fail(1, error.message) : args.fail(1, 'has no JSON form');
  }
}

function fieldsOf(args: HostArguments): ReadonlyMap<LuaKey, LuaValue> | undefined {
  if (args.type(2) === 'nil') return undefined;
  if (args.type(2) !== 'table') return args.fail(2, `table expected, got ${args.type(2)}`);
  const value = args.value(2);
  if (value instanceof Map) return value;
  return new Map((value as LuaValue[]).map((item, index) => [index + 1, item]));
}

function level(name: LogLevel, use: string): HostEntry {
  const full = `log.${name}`;
  return {
    name: full,
    summary: `Writes a line at level ${name}: ${use}.`,
    parameters: [
      { name: 'message', type: 'any', description: 'text; a table is written as JSON' },
      { name: 'fields', type: 'table?', description: 'plain values kept beside the message' },
    ],
    returns: [],
    errors: ['raises if the fields hold functions or cycles'],
    example: `return function(event)
  log.${name}("order received", { id = 42 })
end`,
    caps: 'message ≤ 16 KiB (cut); all lines of a call ≤ `limits.log` and 1,000 lines, then one line says that the rest is missing',
    // While a module loads its log goes to whoever applied it.
    implementation: pure(full, (args, call) => {
      const message = messageOf(args);
      const fields = fieldsOf(args);
      call.charge(message.length);
      call.log(name, message, fields);
      return new Results();
    }),
  };
}

export const log: HostModule = {
  name: 'log',
  summary: "The call's log. `print` writes at level info.",
  entries: [
    level('debug', 'details for finding mistakes'),
    level('info', 'what happened'),
    level('warn', 'something odd that was dealt with'),
    level('error', 'something that failed'),
  ],
};
