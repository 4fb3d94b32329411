/** The functions of a Lua text, by name and line. */

export interface OutlineEntry {
  readonly name: string;
  /** Counted from 1. */
  readonly line: number;
}

const named = /^\s*(?:local\s+)?function\s+([\w.:]+)\s*\(/;
const assigned = /^\s*(?:local\s+)?([A-Za-z_][\w.]*|\["[^"]*"\])\s*=\s*function\s*\(/;
const given = /^\s*return\s+function\s*\(/;
const most = 500;

export function outlineOf(text: string): readonly OutlineEntry[] {
  const found: OutlineEntry[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const [, name] = named.exec(line) ?? assigned.exec(line) ?? [];
    if (name !== undefined) found.push({ name, line: index + 1 });
    else if (given.test(line)) found.push({ name: 'the handler', line: index + 1 });
    if (found.length === most) break;
  }
  return found;
}
