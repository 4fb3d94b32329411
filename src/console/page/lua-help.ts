/** Completion and explanations for Lua: what the host offers, and the words of the language. */
import {
  completeFromList,
  ifNotIn,
  snippetCompletion,
  type Completion,
  type CompletionSource,
} from '@codemirror/autocomplete';
import { hoverTooltip } from '@codemirror/view';
import type { Extension } from '@codemirror/state';
import type { LanguageEntry, LanguageHelp } from '../console-source.ts';
import { completeEvent, type SampleEvent } from './lua-event-help.ts';

const words =
  'and break do else elseif end false for function goto if in local nil not or repeat return then true until while';
const basics = 'assert error ipairs next pairs pcall print select tonumber tostring type string table math event';

/** Names with their modules: `crypto.` shows what is in it. */
export function luaCompletion(
  { entries, event }: LanguageHelp,
  sample: () => SampleEvent | undefined,
): CompletionSource {
  const options: Completion[] = [
    ...entries.map(({ name, signature, summary, value }) => {
      const completion = { label: name, detail: signature.slice(name.length), info: summary };
      return value
        ? { ...completion, type: 'constant' }
        : snippetCompletion(`${name}(\${})`, { ...completion, type: 'function' });
    }),
    ...words.split(' ').map((label) => ({ label, type: 'keyword' })),
    ...basics.split(' ').map((label) => ({ label, type: 'variable' })),
  ];
  const complete = completeFromList(options);
  // In texts and comments nobody means a name.
  return ifNotIn(['string', 'comment'], (context) => {
    const ofEvent = completeEvent(context, event, sample());
    if (ofEvent !== undefined) return ofEvent;
    const word = context.matchBefore(/[\w.]+/);
    return word === null && !context.explicit ? null : complete(context);
  });
}

/** The signature and a sentence for the name under the pointer. */
export function luaHover(entries: readonly LanguageEntry[]): Extension {
  const known = new Map(entries.map((entry) => [entry.name, entry]));
  return hoverTooltip((view, position) => {
    const { from, text } = view.state.doc.lineAt(position);
    for (const match of text.matchAll(/[A-Za-z_][\w.]*/g)) {
      const start = from + match.index;
      const end = start + match[0].length;
      const entry = start <= position && position <= end ? known.get(match[0]) : undefined;
      if (entry !== undefined) return { pos: start, end, create: () => ({ dom: explanation(entry) }) };
    }
    return null;
  });
}

function explanation({ signature, summary }: LanguageEntry): HTMLElement {
  const place = document.createElement('div');
  place.className = 'explanation';
  const head = document.createElement('code');
  head.textContent = signature;
  const text = document.createElement('p');
  text.textContent = summary;
  place.append(head, text);
  return place;
}
