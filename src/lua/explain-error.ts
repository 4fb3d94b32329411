/** Turns Lua's error values and messages into data: file, line, column, a traceback without host frames. */
import type { Call } from './call.ts';
import { debugRecord, valueBytes } from './layout.ts';
import type { Machine } from './machine.ts';
import { ReadBudget } from './read-value.ts';
import { LuaRaise, type CallError, type LuaMistake, type LuaValue } from './types.ts';

const messageBytes = 8192;
const tracebackLines = 30;
const conversionMs = 5;
const notShown = '(error value that cannot be shown)';

/** A yield that nobody waits for. */
export const foreignYield = 'attempt to yield from outside a coroutine';

/** `name:12: text` for one of the known names. */
export function parsePlace(
  message: string,
  files: readonly string[],
): { file?: string; line?: number; message: string } {
  for (const file of files) {
    if (!message.startsWith(`${shortName(file)}:`)) continue;
    const rest = message.slice(shortName(file).length + 1);
    const match = /^(\d+): ?/.exec(rest);
    if (match !== null) return { file, line: Number(match[1]), message: rest.slice(match[0].length) };
  }
  return { message };
}

/** A chunk name as Lua shows it: names over 59 bytes are cut. */
function shortName(file: string): string {
  return file.length <= 59 ? file : file.slice(0, 59);
}

/** Lines of Lua's traceback that show the user's code. */
export function filterTraceback(text: string): string {
  return text
    .split('\n')
    .filter((line) => !/^\t(\[C\]: in \?|\?: in |\.\.\.\t?$)/.test(line))
    .slice(0, tracebackLines)
    .join('\n')
    .slice(0, messageBytes);
}

/** Makes a mistake of a syntax error; the column is where Lua's `near` token stands in its line, when that is clear. */
export function syntaxMistake(file: string, source: string, message: string): LuaMistake {
  const place = parsePlace(message, [file]);
  if (place.line === undefined) return { kind: 'syntax', file, message: place.message };
  const column = columnOf(source, place.line, place.message);
  return {
    kind: 'syntax',
    file,
    line: place.line,
    ...(column === undefined ? {} : { column }),
    message: place.message,
  };
}

function columnOf(source: string, line: number, message: string): number | undefined {
  const text = source.split(/\r\n|\n|\r/)[line - 1];
  if (text === undefined) return undefined;
  const near = / near (.+)$/s.exec(message)?.[1];
  if (near === undefined) return undefined;
  if (near === '<eof>') return text.length + 1;
  const token = near.replace(/^'(.*)'$/s, '$1');
  const first = text.indexOf(token);
  if (first < 0 || token === '') return undefined;
  // Several places could be meant: the last one is where the parser stopped unless code follows it.
  return (/^\w+$/.test(token) ? lastWord(text, token) : text.lastIndexOf(token)) + 1;
}

function lastWord(text: string, token: string): number {
  const found = [...text.matchAll(new RegExp(`(?<![\\w])${token}(?![\\w])`, 'g'))].at(-1);
  return found?.index ?? text.lastIndexOf(token);
}

/** The string at the top of a stack, cut. */
function topText(machine: Machine, state: number): string | undefined {
  const { views } = machine;
  views.refresh();
  const address = views.top(state) - valueBytes;
  if ((views.tag(address) & 0x0f) !== 4) return undefined;
  const [start, end] = views.stringRange(views.word(address), views.tag(address));
  const cut = Math.min(end, start + messageBytes);
  return views.decode(start, cut) ?? Buffer.from(views.u8.slice(start, cut)).toString('latin1');
}

/** An error, and whether the machine can still run Lua. */
export interface ReadError {
  readonly error: CallError;
  readonly whole: boolean;
}

/** Reads the error value on top of the call's thread. `__tostring` runs protected, metered and for a few milliseconds only. */
export function readError(machine: Machine, call: Call): ReadError {
  const { exports, views } = machine;
  const { state: main } = call.program.base;
  const { thread, program } = call;
  exports.lua_checkstack(main, 20);
  exports.lua_checkstack(thread, 4);
  views.refresh();
  const address = views.top(thread) - valueBytes;
  exports.luaL_traceback(main, thread, 0, 0);
  const traceback = filterTraceback(topText(machine, main) ?? '');
  exports.lua_settop(main, -2);
  let message = topText(machine, thread);
  let value: LuaValue;
  let whole = true;
  if (message === undefined) {
    const type = views.tag(address) & 0x0f;
    if (type === 5) value = readTable(machine, address);
    // The words of Lua's own interpreter.
    if (type === 0) message = '(error object is a nil value)';
    else [message, whole] = showValue(machine, call, main);
  }
  const place = parsePlace(message.replace(/^\?:-1: /, ''), program.files);
  const found = place.line === undefined ? userLine(traceback, program.files) : place;
  const error: CallError = {
    message: place.message,
    ...(found?.file === undefined ? {} : { file: found.file }),
    ...(found?.line === undefined ? {} : { line: found.line }),
    ...(traceback === '' ? {} : { traceback }),
    ...(value === undefined ? {} : { value }),
  };
  return { error, whole };
}

/** `tostring` of the value on top of the thread; false: the machine was stopped in it. */
function showValue(machine: Machine, call: Call, main: number): [string, boolean] {
  const { exports, views } = machine;
  const { thread } = call;
  exports.lua_pushvalue(thread, -1);
  views.refresh();
  views.pushObject(main, call.program.base.control.text, 6);
  exports.lua_xmove(thread, main, 1);
  machine.limitConversion(conversionMs);
  try {
    const status = exports.lua_pcallk(main, 1, 1, 0, 0, 0);
    const text = status === 0 ? topText(machine, main) : undefined;
    exports.lua_settop(main, -2);
    return [text ?? notShown, true];
  } catch (error) {
    if (machine.end?.kind !== 'convert') throw error;
    machine.end = undefined;
    return [notShown, false];
  } finally {
    machine.shortUntil = 0;
  }
}

function readTable(machine: Machine, address: number): LuaValue {
  try {
    return machine.reader.read(address, new ReadBudget(65536, 'the error value', 1000, 16));
  } catch (error) {
    if (error instanceof LuaRaise) return undefined;
    throw error;
  }
}

/** The innermost line of the user's code in a traceback. */
export function userLine(traceback: string, files: readonly string[]): { file: string; line: number } | undefined {
  for (const text of traceback.split('\n')) {
    const place = parsePlace(text.trim(), files);
    if (place.file !== undefined && place.line !== undefined) return { file: place.file, line: place.line };
  }
  return undefined;
}

/** Where a killed call was, as far as its frames still tell. */
export function killedAt(machine: Machine, call: Call): { file: string; line: number } | undefined {
  const { exports, views } = machine;
  exports.mh_begin(1_000_000, -1);
  // Whether the collector has worked is forgotten by now.
  machine.distrust();
  machine.call = undefined;
  try {
    views.refresh();
    views.u8.set([0x53, 0x6c, 0], debugRecord - 16); // "Sl"
    for (let level = 0; level < 50; level += 1) {
      if (exports.lua_getstack(call.thread, level, debugRecord) === 0) return undefined;
      exports.lua_getinfo(call.thread, debugRecord - 16, debugRecord);
      const line = views.i32[(debugRecord + 24) >>> 2] ?? -1;
      if (line <= 0) continue;
      const start = debugRecord + 44;
      const end = views.u8.indexOf(0, start);
      const name = views.decode(start, Math.min(end, start + 60));
      const file = call.program.files.find((known) => shortName(known) === name);
      if (file !== undefined) return { file, line };
    }
  } catch {
    return undefined; // the machine was stopped anywhere: its frames need not be whole
  }
  return undefined;
}
