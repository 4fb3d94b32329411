/** Turns the engine's words on a program into what an acknowledgement says: reason, place in the user's file, hint. */
import type { LuaMistake } from '../lua/types.ts';
import type { Rejection } from '../routing/last-good.ts';
import type { CodeEntry } from '../routing/types.ts';

const reasons = {
  syntax: 'LuaSyntax',
  load: 'LuaLoad',
  shape: 'LuaShape',
  timeout: 'LuaLoadTimeout',
  cpu: 'LuaLoadCpu',
  memory: 'LuaLoadMemory',
} as const satisfies Record<LuaMistake['kind'], string>;

/** `functionName` is what the engine calls the main chunk. */
export function toRejection(mistake: LuaMistake, functionName: string, code: CodeEntry): Rejection {
  const own = mistake.file === functionName;
  const { moduleOrigins = {} } = code;
  const module = Object.hasOwn(moduleOrigins, mistake.file) ? moduleOrigins[mistake.file] : undefined;
  const origin = own ? code.origin : module;
  const { line, column, suggestion } = mistake;
  return {
    reason: reasons[mistake.kind],
    message: origin === undefined ? mistake.message : moveLines(mistake, origin.lineOffset),
    file: origin?.file ?? mistake.file,
    ...(line === undefined ? {} : { line: line + (origin?.lineOffset ?? 0) }),
    ...(column === undefined ? {} : { column: column + (origin?.columnOffset ?? 0) }),
    ...(suggestion === undefined ? {} : { suggestion }),
  };
}

/** `'end' expected (to close 'function' at line 1) near <eof>`: the line named in the words is one of the file, too. */
function moveLines({ kind, message }: LuaMistake, offset: number): string {
  if (kind !== 'syntax') return message;
  return message.replace(
    /((?:at|on) line )(\d+)(?=\)?(?: near |$))/,
    (_whole, words: string, line: string) => `${words}${Number(line) + offset}`,
  );
}
