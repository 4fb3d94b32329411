/** The Lua stack of a call: what goes on it before an entry, what is read from it afterwards. */
import type { Call } from './call.ts';
import { hostMark } from './host-dispatch.ts';
import { outCount, registryIndex, tags, valueBytes } from './layout.ts';
import type { Machine } from './machine.ts';
import type { Operation } from './operation.ts';
import { ReadBudget } from './read-value.ts';
import { LuaRaise, type LuaValue } from './types.ts';

/** Pushes the handler and its arguments on the thread. */
export function prepareCall(call: Call, machine: Machine): number {
  const { exports, views, pusher } = machine;
  const { program, request, thread } = call;
  const { target } = request;
  call.stackBase = program.stackBase;
  call.heapStart = machine.heapEnd;
  const index = 'handler' in target ? program.handlers.get(target.handler) : program.expressions.get(target.expression);
  if (index === undefined) throw new LuaRaise('no such handler');
  if (request.globals !== undefined) setGlobals(machine, thread, call);
  exports.lua_pushvalue(thread, index);
  views.refresh();
  for (const value of request.arguments) pusher.push(thread, value);
  return request.arguments.length;
}

function setGlobals(machine: Machine, thread: number, call: Call): void {
  const { exports, views, pusher } = machine;
  exports.lua_rawgeti(thread, registryIndex, 2n);
  views.refresh();
  for (const [name, value] of Object.entries(call.request.globals ?? {})) {
    views.pushText(thread, name);
    pusher.push(thread, value);
    exports.lua_rawset(thread, -3);
    views.refresh();
  }
  exports.lua_settop(thread, -2);
}

/** Pops what was yielded; undefined: the script itself yielded to nobody. */
export function takeYield(call: Call, machine: Machine): Operation | undefined {
  const { views, exports } = machine;
  const count = views.i32[outCount >>> 2] ?? 0;
  const top = views.top(call.thread);
  const marked =
    count === 2 &&
    views.tag(top - 2 * valueBytes) === tags.lightUserdata &&
    views.word(top - 2 * valueBytes) === hostMark;
  if (!marked) return undefined;
  const number = Number(views.integer(top - valueBytes));
  exports.lua_settop(call.thread, -3);
  return call.operations[number - 1];
}

/** The values the handler returned. */
export function readResults(call: Call, machine: Machine): LuaValue[] {
  const { views } = machine;
  const budget = new ReadBudget(call.limits.resultBytes, 'the result');
  const values: LuaValue[] = [];
  const top = views.top(call.thread);
  try {
    for (let at = views.argumentBase(call.thread) + (call.stackBase + 1) * valueBytes; at < top; at += valueBytes) {
      values.push(machine.reader.read(at, budget));
    }
  } catch (error) {
    // No line of the code is at fault any more: the words have to say where the value stands.
    if (!(error instanceof LuaRaise) || error.message.startsWith('the result ')) throw error;
    throw new LuaRaise(`the result cannot be taken: ${error.message}`);
  }
  return values;
}
