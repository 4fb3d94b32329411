/** Functions of the engine itself that Lua's prelude calls: lazy tables, waiting for several operations, seeds, the log. */
import type { Call } from './call.ts';
import { MachineEnd } from './ends.ts';
import { filterTraceback } from './explain-error.ts';
import { materialise, tableAndKey } from './give-lazy.ts';
import type { InternalFunction } from './host-dispatch.ts';
import { tags } from './layout.ts';
import type { Machine } from './machine.ts';
import type { Operation } from './operation.ts';
import { ReadBudget } from './read-value.ts';
import { LuaRaise, type LuaValue } from './types.ts';

/** Whether an operation, or one of its members, has an outcome. */
export function isDone(operation: Operation): boolean {
  return operation.outcome !== undefined || operation.members?.some(isDone) === true;
}

/** Whether Lua may see it: itself, or one of its members. */
export function isVisible(operation: Operation): boolean {
  return operation.visible || operation.members?.some(isVisible) === true;
}

function argument(machine: Machine, state: number, position: number): number {
  return machine.views.argumentBase(state) + position * 16;
}

function lazyAssign(machine: Machine, state: number, call: Call): number {
  const { views, exports } = machine;
  const [object, asked] = tableAndKey(machine, state);
  const lazy = call.lazies?.get(object);
  if (lazy !== undefined && asked !== undefined) {
    const key = lazy.fold(asked);
    lazy.resolve(key);
    if (key !== asked) {
      views.pushText(state, key);
      exports.lua_copy(state, -1, 2);
      exports.lua_settop(state, 3);
    }
  }
  exports.lua_settop(state, 3);
  const tag = views.tag(argument(machine, state, 2));
  const bad =
    (tag & 0x0f) === 0
      ? 'nil'
      : tag === tags.float && Number.isNaN(views.f64[argument(machine, state, 2) >>> 3])
        ? 'NaN'
        : '';
  if (bad !== '') throw new LuaRaise(`table index is ${bad}`);
  exports.lua_rawset(state, 1);
  views.refresh();
  return 0;
}

function any(machine: Machine, state: number, call: Call): number {
  const { views } = machine;
  const count = (views.top(state) - views.argumentBase(state)) / 16 - 1;
  const members: Operation[] = [];
  for (let position = 1; position <= count; position += 1) {
    const member = call.operations[Number(views.integer(argument(machine, state, position))) - 1];
    if (member !== undefined) members.push(member);
  }
  call.operationCount += 1;
  const number = call.operationCount;
  const known = call.operations[number - 1];
  if (known === undefined) {
    call.operations.push({ number, name: 'engine.any', members, outcome: undefined, visible: false });
  } else if (known.name !== 'engine.any') {
    throw machine.throwEnd(new MachineEnd('defect', 'a repeated run took another way'));
  }
  views.pushNumber(state, number);
  return 1;
}

function readArguments(machine: Machine, state: number, call: Call): LuaValue[] {
  const { views } = machine;
  const count = (views.top(state) - views.argumentBase(state)) / 16 - 1;
  const budget = new ReadBudget(call.limits.resultBytes, 'what is given to exit');
  const values: LuaValue[] = [];
  for (let position = 1; position <= count; position += 1) {
    values.push(machine.reader.read(argument(machine, state, position), budget));
  }
  return values;
}

/** All of them; names that begin with `engine.` are for the prelude only. */
export const internalFunctions: readonly InternalFunction[] = [
  { kind: 'internal', name: 'engine.lazy_assign', run: lazyAssign },
  {
    kind: 'internal',
    name: 'engine.lazy_fill',
    run(machine, state) {
      materialise(machine, machine.views.word(argument(machine, state, 1)));
      return 0;
    },
  },
  { kind: 'internal', name: 'engine.any', run: any },
  {
    kind: 'internal',
    name: 'engine.done',
    run(machine, state, call) {
      const operation = call.operations[Number(machine.views.integer(argument(machine, state, 1))) - 1];
      machine.views.pushBoolean(state, operation !== undefined && isVisible(operation));
      return 1;
    },
  },
  {
    kind: 'internal',
    name: 'engine.width',
    run(machine, state, call) {
      machine.views.pushNumber(state, call.limits.parallelHostCalls);
      return 1;
    },
  },
  {
    kind: 'internal',
    name: 'engine.seed',
    run(machine, state, call) {
      if (call.loading) throw new LuaRaise("'math.random' at load time: move it into the handler");
      const seed = call.request.seed;
      if (seed === undefined || call.seeded) {
        const bytes = Buffer.from(call.randomBytes(16));
        machine.views.pushInteger(state, bytes.readBigInt64LE(0));
        machine.views.pushInteger(state, bytes.readBigInt64LE(8));
      } else {
        machine.views.pushInteger(state, seed[0]);
        machine.views.pushInteger(state, seed[1]);
      }
      call.seeded = true;
      return 2;
    },
  },
  {
    kind: 'internal',
    name: 'engine.print',
    run(machine, state, call) {
      if (call.loading) throw new LuaRaise("'print' at load time: move it into the handler");
      machine.args.aim(state, 'print');
      const bytes = Buffer.from(machine.args.bytes(1));
      call.log('info', bytes.toString());
      return 0;
    },
  },
  {
    kind: 'internal',
    name: 'engine.traceback',
    run(machine, state) {
      machine.args.aim(state, 'traceback');
      const { args, views } = machine;
      const message = args.optionalText(2);
      // Of another coroutine (its lua_State is the value) from its top, of the caller without the prelude's own frame.
      const other = args.type(1) === 'thread' ? views.word(args.address(1)) : 0;
      const level = args.optionalNumber(3) ?? (other === 0 ? 1 : 0);
      const first = Math.max(0, Math.min(200, Math.trunc(level) + (other === 0 ? 1 : 0)));
      machine.exports.luaL_traceback(state, other === 0 ? state : other, 0, first);
      machine.views.refresh();
      const address = machine.views.top(state) - 16;
      const [start, end] = machine.views.stringRange(machine.views.word(address), machine.views.tag(address));
      const text = filterTraceback(machine.views.decode(start, end) ?? '');
      machine.views.pushText(state, message === undefined ? text : `${message}\n${text}`);
      return 1;
    },
  },
  {
    kind: 'internal',
    name: 'exit',
    run(machine, state, call) {
      if (call.loading) throw new LuaRaise("'exit' at load time: move it into the handler");
      throw machine.throwEnd(new MachineEnd('exit', 'ended by exit', readArguments(machine, state, call)));
    },
  },
];
