/** Fenced blocks of a Markdown page, with where they stand. */
import { readFileSync } from 'node:fs';

export interface FencedBlock {
  readonly language: string;
  /** Words after the language: `module`, `file=hooks/a.yaml`. */
  readonly words: readonly string[];
  readonly text: string;
  /** Line of the opening fence. */
  readonly line: number;
}

/** The blocks in order. */
export function readFencedBlocks(path: string): readonly FencedBlock[] {
  const blocks: FencedBlock[] = [];
  let open: { language: string; words: readonly string[]; line: number; lines: string[] } | undefined;
  for (const [index, line] of readFileSync(path, 'utf8').split('\n').entries()) {
    const fence = /^```(.*)$/.exec(line);
    if (!fence) open?.lines.push(line);
    else if (open === undefined) {
      const [language = '', ...words] = (fence[1] ?? '').trim().split(/\s+/);
      open = { language, words, line: index + 1, lines: [] };
    } else {
      blocks.push({ ...open, text: `${open.lines.join('\n')}\n` });
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`${path}:${open.line}: the block is never closed`);
  return blocks;
}

/** Words of a command line as a shell splits them. */
export function splitCommand(line: string): readonly string[] {
  return Array.from(line.matchAll(/(?:[^\s'"]+|'[^']*'|"[^"]*")+/g), ([word]) =>
    word.replaceAll(
      /'([^']*)'|"([^"]*)"/g,
      (_whole, single: string | undefined, double: string | undefined) => single ?? double ?? '',
    ),
  );
}

/** A line of expected output as a pattern: `…` stands for anything, space for any space. */
export function linePattern(line: string): RegExp {
  const escape = (text: string): string =>
    text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll(/\s+/g, String.raw`\s+`);
  return new RegExp(line.split('…').map(escape).join('.*'));
}
