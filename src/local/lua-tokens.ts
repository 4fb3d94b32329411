/** Splits Lua source into tokens with their places (Lua 5.4 reference manual §3.1). For code that is known to compile. */

export interface Token {
  readonly kind: 'name' | 'keyword' | 'symbol' | 'string' | 'number' | 'end';
  readonly text: string;
  /** Count from 1. */
  readonly line: number;
  readonly column: number;
}

const keywords = new Set(
  'and break do else elseif end false for function goto if in local nil not or repeat return then true until while'.split(
    ' ',
  ),
);

const space = /[ \t\r\f\v]+/y;
const name = /[A-Za-z_][A-Za-z0-9_]*/y;
const number = /0[xX][0-9a-fA-F.]*(?:[pP][-+]?[0-9]*)?|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?/y;
const longOpening = /\[(=*)\[/y;
const symbol = /\.\.\.|\.\.|==|~=|<=|>=|\/\/|::|<<|>>|[-+*/%^#&~|<>=(){}[\];:,.]/y;

/** Undefined: a text or comment without end, or a character Lua does not know. */
export function tokenize(source: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  let at = 0;
  let line = 1;
  let lineStart = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(source);
  };
  const advance = (to: number): void => {
    for (let next = source.indexOf('\n', at); next !== -1 && next < to; next = source.indexOf('\n', next + 1)) {
      line += 1;
      lineStart = next + 1;
    }
    at = to;
  };
  const push = (kind: Token['kind'], text: string): void => {
    tokens.push({ kind, text, line, column: at - lineStart + 1 });
  };
  /** End of a long bracket that opens here; -1: it never ends; undefined: none opens. */
  const longEnd = (): number | undefined => {
    const opening = match(longOpening);
    if (!opening) return undefined;
    const closing = `]${opening[1] ?? ''}]`;
    const end = source.indexOf(closing, at + opening[0].length);
    return end === -1 ? -1 : end + closing.length;
  };

  // The mark of UTF-8, which is passed over when the code is loaded.
  if (source.startsWith('\uFEFF')) lineStart = at = 1;
  if (source.startsWith('#')) advance(endOfLine(source, 0));
  while (at < source.length) {
    const character = source[at] ?? '';
    const blank = character === '\n' ? [character] : match(space);
    if (blank) {
      advance(at + (blank[0]?.length ?? 1));
      continue;
    }
    if (source.startsWith('--', at)) {
      at += 2;
      const end = longEnd() ?? endOfLine(source, at);
      if (end === -1) return undefined;
      advance(end);
      continue;
    }
    const word = match(name);
    const digits = word ? null : match(number);
    if (word ?? digits) {
      const text = (word ?? digits)?.[0] ?? '';
      push(word === null ? 'number' : keywords.has(text) ? 'keyword' : 'name', text);
      at += text.length;
      continue;
    }
    const end = character === '"' || character === "'" ? shortEnd(source, at) : longEnd();
    if (end === -1) return undefined;
    if (end !== undefined) {
      push('string', '');
      advance(end);
      continue;
    }
    const sign = match(symbol);
    if (!sign) return undefined;
    push('symbol', sign[0]);
    at += sign[0].length;
  }
  push('end', '');
  return tokens;
}

function endOfLine(source: string, from: number): number {
  const end = source.indexOf('\n', from);
  return end === -1 ? source.length : end;
}

/** End of a quoted text; a backslash takes the next character with it, `\z` all space after it. */
function shortEnd(source: string, from: number): number {
  const quote = source[from];
  for (let at = from + 1; at < source.length; at += 1) {
    const character = source[at];
    if (character === quote) return at + 1;
    if (character === '\n') return -1;
    if (character !== '\\') continue;
    at += 1;
    if (source[at] === 'z') while (/\s/.test(source[at + 1] ?? '')) at += 1;
    else if (source[at] === '\r' && source[at + 1] === '\n') at += 1;
  }
  return -1;
}
