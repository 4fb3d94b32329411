/** Reads a file of `SECRET.KEY=VALUE` lines: secrets for a local run that are not in any document. */
import type { Diagnostic } from './diagnostic.ts';

export interface EnvFile {
  /** `github.token` → value. Names of Secrets and keys may both hold dots, so the pair is looked up whole. */
  readonly entries: ReadonlyMap<string, string>;
  readonly mistakes: readonly Diagnostic[];
}

const namePattern = /^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?\.[-._a-zA-Z0-9]+$/;

/**
 * Quoting as dotenv files have it: single quotes keep everything, double quotes know `\n \r \t \" \\ \$`, both may span
 * lines; an unquoted value ends at ` #` and loses outer spaces; `export ` before a name is allowed. Values are never in a message.
 */
export function parseEnvFile(file: string, text: string): EnvFile {
  const entries = new Map<string, string>();
  const mistakes: Diagnostic[] = [];
  const source = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  let at = 0;
  let line = 1;
  const mistake = (message: string, hint?: string): void => {
    mistakes.push({ severity: 'error', file, line, message, ...(hint === undefined ? {} : { hint }) });
  };
  while (at < source.length) {
    const lineEnd = endOfLine(source, at);
    const text = source.slice(at, lineEnd);
    const begin = at;
    at = lineEnd + 1;
    const trimmed = text.trim();
    if (trimmed !== '' && !trimmed.startsWith('#')) {
      const assignment = /^\s*(?:export\s+)?([^=\s#]+)\s*=[ \t]*/.exec(text);
      const name = assignment?.[1] ?? '';
      if (!assignment) {
        const lacking = text.includes('=') ? 'what stands before `=` is not a name' : 'a line without `=`';
        mistake(lacking, 'write SECRET.KEY=VALUE');
      } else if (!namePattern.test(name)) {
        mistake(`\`${printable(name)}\` does not name a key of a Secret`, 'write SECRET.KEY, for example github.token');
      } else if (entries.has(name)) {
        mistake(`\`${name}\` stands twice`, 'remove one of the two');
      } else {
        const value = readValue(source, begin + assignment[0].length, lineEnd);
        if (value.problem === undefined) entries.set(name, value.text);
        else mistake(`${name}: ${value.problem}`);
        line += source.slice(begin, value.end).split('\n').length - 1;
        at = value.end + 1;
      }
    }
    line += 1;
  }
  return { entries, mistakes };
}

function endOfLine(source: string, from: number): number {
  const end = source.indexOf('\n', from);
  return end === -1 ? source.length : end;
}

interface Value {
  readonly text: string;
  /** Offset of the end of the value's last line. */
  readonly end: number;
  readonly problem?: string;
}

function readValue(source: string, from: number, lineEnd: number): Value {
  const quote = source[from];
  if (quote !== "'" && quote !== '"') {
    const text = source
      .slice(from, lineEnd)
      .replace(/(?:^|\s)#.*$/, '')
      .trim();
    return { text, end: lineEnd };
  }
  let text = '';
  for (let at = from + 1; at < source.length; at += 1) {
    const character = source[at] ?? '';
    if (character === quote) {
      const end = endOfLine(source, at);
      const rest = source.slice(at + 1, end).trim();
      if (rest !== '' && !rest.startsWith('#')) return { text: '', end, problem: 'text after the closing quote' };
      return { text, end };
    }
    if (quote === '"' && character === '\\' && at + 1 < source.length) {
      at += 1;
      const escaped = source[at] ?? '';
      text += escapes.get(escaped) ?? `\\${escaped}`;
    } else {
      text += character;
    }
  }
  return { text: '', end: lineEnd, problem: `the quote ${quote} is never closed` };
}

const escapes = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['"', '"'],
  ['\\', '\\'],
  ['$', '$'],
]);

/** A mistyped line may hold a secret where a name is expected: only what looks like the start of a name is shown. */
function printable(name: string): string {
  const shown = /^[-._a-zA-Z0-9]{0,24}/.exec(name)?.[0] ?? '';
  return shown === name ? name : `${shown}…`;
}
