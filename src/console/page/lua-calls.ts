/** Finds the call that a text of Lua ends in. */

/** A call that the cursor is in. */
export interface OpenCall {
  readonly name: string;
  /** Of the name, in the text. */
  readonly from: number;
  /** Counted from 0. */
  readonly parameter: number;
}

/** The innermost call around the end of a text; undefined: there is none, or it is no name's. */
export function openCall(text: string): OpenCall | undefined {
  const open: { readonly at: number; readonly sign: string; commas: number }[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const sign = text.charAt(at);
    if (sign === '"' || sign === "'") at = endOfQuotes(text, at);
    else if (text.startsWith('--', at)) at = endOf(text, '\n', at);
    else if (text.startsWith('[[', at)) at = endOf(text, ']]', at);
    else if ('([{'.includes(sign)) open.push({ at, sign, commas: 0 });
    else if (')]}'.includes(sign)) open.pop();
    else if (sign === ',') {
      const last = open.at(-1);
      if (last !== undefined) last.commas += 1;
    }
  }
  const call = open.findLast(({ sign }) => sign === '(');
  const [, name] = call === undefined ? [] : (/([A-Za-z_][\w.]*)\s*$/.exec(text.slice(0, call.at)) ?? []);
  // `function(x` names parameters.
  if (call === undefined || name === undefined || /\bfunction\s*[\w.:]*\s*$/.test(text.slice(0, call.at))) {
    return undefined;
  }
  return { name, from: text.slice(0, call.at).lastIndexOf(name), parameter: call.commas };
}

function endOfQuotes(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at += 1) {
    const sign = text.charAt(at);
    if (sign === '\\') at += 1;
    else if (sign === text.charAt(from) || sign === '\n') return at;
  }
  return text.length;
}

function endOf(text: string, sign: string, from: number): number {
  const found = text.indexOf(sign, from);
  return found === -1 ? text.length : found + sign.length - 1;
}
