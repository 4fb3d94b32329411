/** Words in Lua that no environment has: a misspelt global, a host function that does not exist. */
import { didYouMean } from '../function/suggest.ts';
import { createCatalogue, listEntries } from '../host/catalogue.ts';
import { globals, libraries, replaced } from '../lua/environment.ts';
import type { CodeOrigin } from '../routing/types.ts';
import type { Diagnostic, Severity } from './diagnostic.ts';
import { findGlobals } from './lua-globals.ts';
import type { GlobalUse, Use } from './lua-scopes.ts';

/** Everything a script can name, by global; members of those that are tables. */
export type KnownNames = ReadonlyMap<string, ReadonlySet<string>>;

/** Names that are in no list: put there by the engine itself, and what users of other products will try. */
const engineNames = ['_G', 'env', 'require', 'string', 'table', 'math', 'utf8', 'coroutine', 'os', 'json.null'];

/** Grown over years in another library: its catalogue entries are not all it has. */
const open = new Set(['cjson']);

/** What others call it: the word to use here, or why there is none. */
const elsewhere = new Map([
  ['ngx', 'ngx.* is not there: use event.request, http, log and the returned value'],
  ['io', 'there are no files: use kv, http or a module'],
  ['package', 'modules of spec.modules are loaded with require'],
  ['debug', 'only debug.traceback is there'],
  ['dofile', 'use require and spec.modules'],
  ['loadfile', 'use require and spec.modules'],
  ['os.execute', 'no programs can be run'],
  ['os.getenv', 'use env.NAME and spec.env'],
  ['string.dump', 'precompiled Lua is never loaded'],
]);

/** The names of the sandbox and of every host module. */
export function knownNames(): KnownNames {
  const known = new Map<string, Set<string>>();
  const add = (full: string): void => {
    const [name = '', member] = full.split('.');
    const members = known.get(name) ?? new Set<string>();
    if (member !== undefined) members.add(member);
    known.set(name, members);
  };
  for (const name of [...globals, ...replaced, ...engineNames]) add(name);
  for (const [library, members] of Object.entries(libraries)) for (const member of members) add(`${library}.${member}`);
  const modules = createCatalogue();
  for (const { name } of modules) if (name !== '') add(name);
  for (const { name } of listEntries(modules)) add(name);
  return known;
}

/** Full names of the host functions that wait for something, which no expression may. */
const waitingNames: ReadonlySet<string> = new Set(
  createCatalogue().flatMap(({ entries, hidden = [] }) => {
    const names = new Set(entries.map(({ name }) => name));
    const functions = [...hidden, ...entries.map(({ implementation }) => implementation)];
    return functions.flatMap((each) => (each.kind === 'waiting' && names.has(each.name) ? [each.name] : []));
  }),
);

/** One source of a function, with the globals it may use besides the known ones. */
export interface LuaSource {
  readonly text: string;
  readonly origin: CodeOrigin;
  readonly more?: readonly string[];
  /** True: it may be an expression instead of a chunk. */
  readonly expression?: true;
}

/**
 * Remarks on all sources of one function. What any of them writes is known to all. `broken` is the severity of what must
 * fail when it is reached (called, indexed); a name that is only read may be a question whether it is there.
 */
export function checkLuaNames(
  sources: readonly LuaSource[],
  known: KnownNames,
  broken: Severity,
): readonly Diagnostic[] {
  const found = sources.map((source) => ({ source, uses: usesOf(source) }));
  const written = new Set(found.flatMap(({ uses }) => uses.flatMap(writtenBy)));
  const remarks: Diagnostic[] = [];
  for (const { source, uses } of found) {
    const own = new Set([...written, ...(source.more ?? [])]);
    const seen = new Set<string>();
    for (const use of uses) {
      const waits = source.expression === true && !own.has(use.name) ? remarkOnWaiting(use) : undefined;
      const remark = own.has(use.name) ? undefined : (waits ?? remarkOn(use, known, own));
      if (remark === undefined || seen.has(remark.message)) continue;
      seen.add(remark.message);
      const { file, lineOffset, columnOffset } = source.origin;
      remarks.push({
        severity: mustFail(remark.use) ? broken : 'warning',
        file,
        line: remark.line + lineOffset,
        column: remark.column + columnOffset,
        message: remark.message,
        ...(remark.hint === undefined ? {} : { hint: remark.hint }),
      });
    }
  }
  return remarks.length === 0 ? noRemarks : remarks;
}

const noRemarks: readonly Diagnostic[] = [];

function usesOf({ text, expression }: LuaSource): readonly GlobalUse[] {
  const uses = findGlobals(text);
  if (uses !== undefined || expression !== true) return uses ?? [];
  const before = 'return ';
  const move = <Place extends { readonly line: number; readonly column: number }>(place: Place): Place =>
    place.line === 1 ? { ...place, column: place.column - before.length } : place;
  return (findGlobals(`${before}${text}`) ?? []).map((use) => ({
    ...move(use),
    ...(use.member === undefined ? {} : { member: move(use.member) }),
  }));
}

/** `y = 1` writes `y`, `function string.trim` writes `string.trim`. */
function writtenBy({ name, use, member }: GlobalUse): readonly string[] {
  if (use === 'write') return [name];
  return member?.use === 'write' ? [`${name}.${member.name}`] : [];
}

interface Remark {
  readonly use: Use;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** The words of the engine, which refuses it when it is called. */
function remarkOnWaiting({ name, line, column, use, member }: GlobalUse): Remark | undefined {
  const full = member === undefined ? name : `${name}.${member.name}`;
  const called = member === undefined ? { use, line, column } : member;
  if (called.use !== 'call' || !waitingNames.has(full)) return undefined;
  return {
    ...called,
    message: `'${full}' cannot be used here: filters and expressions do no I/O`,
    hint: 'use it in the handler',
  };
}

function remarkOn(
  { name, line, column, use, member }: GlobalUse,
  known: KnownNames,
  own: ReadonlySet<string>,
): Remark | undefined {
  const members = known.get(name);
  if (members === undefined) {
    const hint = elsewhere.get(name) ?? didYouMean(name, [...known.keys(), ...own]);
    return { use, line, column, message: `unknown global "${name}"`, hint };
  }
  if (
    member === undefined ||
    member.use === 'write' ||
    members.size === 0 ||
    open.has(name) ||
    members.has(member.name)
  )
    return undefined;
  const full = `${name}.${member.name}`;
  if (own.has(full)) return undefined;
  const hint = elsewhere.get(full) ?? didYouMean(member.name, members) ?? `${name} has ${[...members].join(', ')}`;
  return { ...member, message: `there is no ${full}`, hint };
}

function mustFail(use: Use): boolean {
  return use === 'call' || use === 'index';
}
