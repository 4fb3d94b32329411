/** Loads a program: compiles every file, runs the module's top level with no way out, checks the shape of what it returns. */
import type { BaseImage, ControlName } from './base-image.ts';
import type { Call } from './call.ts';
import type { MachineEnd } from './ends.ts';
import { foreignYield, killedAt, readError, syntaxMistake } from './explain-error.ts';
import { statusOk, statusYield } from './layout.ts';
import { padCode } from './loaded-ground.ts';
import type { Bytecode, LoadedProgram } from './loaded-program.ts';
import type { Machine } from './machine.ts';
import { ReadBudget } from './read-value.ts';
import { sealStart } from './seal-start.ts';
import type { LuaMistake, LuaValue, Program } from './types.ts';

const functionTag = 6;

/** Enters the call's thread and answers its status; suspends in between, or does not. */
export type Enter = (call: Call, machine: Machine, args: number) => Promise<number>;

function pushControl(machine: Machine, base: BaseImage, thread: number, name: ControlName): void {
  machine.views.pushObject(thread, base.control[name], functionTag);
}

function pushMapOfBytes(
  machine: Machine,
  thread: number,
  entries: Iterable<readonly [string, string | Uint8Array]>,
): void {
  machine.pusher.push(thread, new Map(entries));
}

/** Pushes the start function and its arguments; gives their count. */
export function pushStart(machine: Machine, program: LoadedProgram, bytecode: Bytecode): number {
  const { base } = program;
  const { thread } = base;
  machine.exports.mh_scrub(1);
  pushControl(machine, base, thread, 'start');
  machine.views.pushText(thread, program.name);
  machine.views.pushBytes(thread, padCode(bytecode.code));
  pushMapOfBytes(machine, thread, bytecode.modules);
  pushMapOfBytes(machine, thread, program.env);
  machine.pusher.push(
    thread,
    bytecode.expressions.map(([name, bytes]) => [name, bytes]),
  );
  return 5;
}

function readAt(machine: Machine, thread: number, index: number): LuaValue {
  const { views } = machine;
  return machine.reader.read(views.argumentBase(thread) + index * 16, new ReadBudget(4 * 1024 * 1024));
}

/** Ends of the load that are the user's doing, as a mistake. */
export function endMistake(
  end: MachineEnd,
  file: string,
  place: { file: string; line: number } | undefined,
): LuaMistake {
  const kind = end.kind === 'cpu' || end.kind === 'memory' || end.kind === 'timeout' ? end.kind : 'load';
  return {
    kind,
    file: place?.file ?? file,
    ...(place === undefined ? {} : { line: place.line }),
    message: `loading ${end.message}`,
  };
}

/** Shorter bytecode is copied to other threads: a shared buffer of its own would cost more. */
const sharedFrom = 1024;

function keptBytes(memory: Uint8Array, start: number, end: number): Uint8Array {
  if (end - start < sharedFrom) return memory.slice(start, end);
  const kept = new Uint8Array(new SharedArrayBuffer(end - start));
  kept.set(memory.subarray(start, end));
  return kept;
}

const noModules: Bytecode['modules'] = new Map();
const noExpressions: Bytecode['expressions'] = [];

/** Compiles all files; mistakes of all of them. */
export async function compileProgram(
  machine: Machine,
  call: Call,
  program: Program,
  enter: Enter,
): Promise<Bytecode | readonly LuaMistake[]> {
  const { base } = call.program;
  const { thread } = base;
  const mistakes: LuaMistake[] = [];
  const compile = async (control: 'compile' | 'expression', name: string, source: string): Promise<Uint8Array> => {
    machine.exports.lua_settop(thread, 0);
    pushControl(machine, base, thread, control);
    machine.views.pushText(thread, name);
    machine.views.pushText(thread, withoutMark(source));
    const status = await enter(call, machine, 2);
    const code = status === statusOk ? machine.views.tag(machine.views.argumentBase(thread) + 16) & 0x0f : 0;
    if (code === 4) {
      const at = machine.views.argumentBase(thread) + 16;
      const [start, end] = machine.views.stringRange(machine.views.word(at), machine.views.tag(at));
      return keptBytes(machine.views.u8, start, end);
    }
    const message = status === statusOk ? readAt(machine, thread, 2) : readError(machine, call).error.message;
    mistakes.push(syntaxMistake(name, source, typeof message === 'string' ? message : 'does not compile'));
    return new Uint8Array();
  };
  const code = await compile('compile', program.name, program.code);
  const modules = new Map<string, Uint8Array>();
  for (const [name, source] of program.modules) modules.set(name, await compile('compile', name, source));
  const expressions: [string, Uint8Array][] = [];
  for (const [name, source] of program.expressions) expressions.push([name, await compile('expression', name, source)]);
  return mistakes.length > 0
    ? mistakes
    : {
        code,
        modules: modules.size === 0 ? noModules : modules,
        expressions: expressions.length === 0 ? noExpressions : expressions.slice(),
      };
}

interface Shape {
  readonly handlers: readonly string[];
  readonly stackBase: number;
}

/** Runs the top level in a restored machine; gives the handlers or mistakes. */
export async function startProgram(
  machine: Machine,
  call: Call,
  bytecode: Bytecode,
  enter: Enter,
): Promise<Shape | readonly LuaMistake[]> {
  const { program } = call;
  const { thread } = program.base;
  const args = pushStart(machine, program, bytecode);
  const status = await enter(call, machine, args);
  if (status !== statusOk) {
    const error =
      status === statusYield ? { message: foreignYield, ...killedAt(machine, call) } : readError(machine, call).error;
    return [
      {
        kind: 'load',
        file: error.file ?? program.name,
        ...(error.line === undefined ? {} : { line: error.line }),
        message: error.message,
      },
    ];
  }
  const kind = readAt(machine, thread, 1);
  const list = readAt(machine, thread, 2);
  const odd = readAt(machine, thread, 3);
  const mistakes = shapeMistakes(program.name, kind, odd);
  if (mistakes.length > 0) return mistakes;
  const handlers = Array.isArray(list) ? list.filter((name) => typeof name === 'string') : [];
  if (handlers.length === 0) {
    return [
      {
        kind: 'shape',
        file: program.name,
        message: `the table the module returns holds no handlers: ${shapes}`,
      },
    ];
  }
  sealStart(machine, program.base);
  return { handlers, stackBase: handlers.length + bytecode.expressions.length };
}

/** Editors on Windows write the mark of UTF-8 in front; Lua's own reader of files passes over it, too. */
function withoutMark(source: string): string {
  return source.startsWith('\uFEFF') ? source.slice(1) : source;
}

const shapes = 'write return function(event) … end, or return { name = function(event) … end }';

function shapeMistakes(file: string, kind: LuaValue, odd: LuaValue): LuaMistake[] {
  if (kind !== 'function' && kind !== 'table') {
    const what = kind === 'nil' ? 'returns nothing' : `returns a ${word(kind)}`;
    return [
      {
        kind: 'shape',
        file,
        message: `the module ${what}; it must return a function or a table of handlers: ${shapes}`,
      },
    ];
  }
  if (!Array.isArray(odd)) return [];
  return odd.map((entry) => {
    const [key, keyType, valueType] = Array.isArray(entry) ? entry : [];
    const message =
      keyType === 'string'
        ? `'${word(key)}' in the table the module returns is a ${word(valueType)}; handlers are functions: keep other values in local variables`
        : `the key ${word(key)} in the table the module returns is a ${word(keyType)}; handlers have names: ${shapes}`;
    return { kind: 'shape', file, message };
  });
}

function word(value: LuaValue): string {
  return typeof value === 'string' ? value : 'value';
}
