/** Says in plain words why a text is no YAML, by what stands at the place. */
import type { Diagnostic } from './diagnostic.ts';
import { maxDepth, type Mistake } from './yaml-structure.ts';

/** The library's message in the words of this product for the mistakes people make most; the place is that of the library. */
export function explainYaml(
  error: { code: string; message: string; pos: [number, number] },
  mistake: Mistake,
  text: string,
): Diagnostic {
  const [at] = error.pos;
  // Below a block of text, a tab is bad indentation to the library, whatever stands there.
  const code = error.code === 'BAD_INDENT' && text[at] === '\t' ? 'TAB_AS_INDENT' : error.code;
  switch (code) {
    case 'TAB_AS_INDENT':
      return mistake(at, 'a tab as indentation', 'YAML is indented with spaces');
    case 'RESOURCE_EXHAUSTION':
      return mistake(at, `nested deeper than ${maxDepth} levels`);
    case 'TAG_RESOLVE_FAILED':
      return mistake(at, `an unknown tag: ${firstLine(error.message)}`, 'remove the tag');
    default:
      return explainLine(error.message, at, mistake, text);
  }
}

/** Marks that stand in no YAML, each with what to do about it. */
const foreignMarks: readonly (readonly [RegExp, string, string])[] = [
  [/^(?:<{7}|={7}|>{7})(?: |$)/, 'a mark of a merge that is not settled', 'choose one of the two sides'],
  [/\{\{/, 'a template', 'only the YAML it makes can be read: put a text with {{ in it in quotes, or below `|`'],
  [/^ *[\u00A0\u2000-\u200B\u3000]/, 'a blank that is none to YAML', 'indent with ordinary spaces'],
  [/\r./, 'line ends of a kind that YAML does not have beside others', 'end each line with a line feed'],
  [/^ *-{4,}/, 'a line of dashes', 'exactly three, `---`, begin another document'],
  [/^---[ \t]+[^ \t#]/, 'text after `---`', 'begin the document on the next line'],
  [/^[ \t-]*[A-Za-z][\w.-]*:[^\s/]/, 'a key without a space after its `:`', 'write a space: `key: value`'],
];

/** What the library says of the line at a place, by what stands there. */
function explainLine(message: string, at: number, mistake: Mistake, text: string): Diagnostic {
  const line = text.slice(text.lastIndexOf('\n', at - 1) + 1).split('\n', 1)[0] ?? '';
  for (const [pattern, found, hint] of foreignMarks) if (pattern.test(line)) return mistake(at, found, hint);
  if (message.startsWith('Nested mappings')) {
    const hint = 'put the text in quotes, or below `|` on lines of its own';
    return mistake(at, 'a second `: ` in a line that is not in quotes', hint);
  }
  if (message.startsWith('Alias cannot be')) {
    return mistake(at, 'a text that begins with `*` is an alias to YAML', 'put it in quotes');
  }
  if (message.startsWith('Implicit keys need')) {
    return mistake(at, 'a line that is not `key: value`', 'longer text stands in quotes, or below `|`');
  }
  if (
    /^(?:Sequence item without - |All (?:mapping|sequence) items|A block sequence may not be used as)/.test(message)
  ) {
    return mistake(
      at,
      'this line is not indented as those beside it',
      'give all of a map or list the same indentation',
    );
  }
  return mistake(at, firstLine(message));
}

function firstLine(message: string): string {
  const [line = ''] = message.split('\n');
  return line.charAt(0).toLowerCase() + line.slice(1).replace(/:$/, '');
}
