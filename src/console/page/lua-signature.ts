/** Inside the parentheses of a call of the host: its signature, and what the parameter at the cursor is. */
import { StateEffect, StateField, type EditorState, type Extension } from '@codemirror/state';
import { EditorView, keymap, showTooltip, type Tooltip } from '@codemirror/view';
import type { LanguageEntry } from '../console-source.ts';
import { openCall } from './lua-calls.ts';

/** Longer calls have no help. */
const lookBack = 2_000;

const hide = StateEffect.define();

interface Shown {
  /** Of the call that Escape was pressed in. */
  readonly hidden: number | undefined;
  readonly tooltip: Tooltip | null;
}

export function luaSignature(entries: readonly LanguageEntry[]): Extension {
  const known = new Map(entries.filter(({ value }) => !value).map((entry) => [entry.name, entry]));
  const find = (state: EditorState, hidden: number | undefined): Shown => {
    const { main } = state.selection;
    const start = Math.max(0, main.head - lookBack);
    const call = main.empty ? openCall(state.sliceDoc(start, main.head)) : undefined;
    const entry = call === undefined ? undefined : known.get(call.name);
    if (call === undefined || entry === undefined) return { hidden: undefined, tooltip: null };
    const pos = start + call.from;
    if (hidden === pos) return { hidden, tooltip: null };
    const create = () => ({ dom: signatureOf(entry, call.parameter) });
    return { hidden: undefined, tooltip: { pos, above: true, create } };
  };
  const field = StateField.define<Shown>({
    create: () => ({ hidden: undefined, tooltip: null }),
    update(shown, { docChanged, selection, effects, state }) {
      if (effects.some((effect) => effect.is(hide))) return { hidden: shown.tooltip?.pos, tooltip: null };
      if (!docChanged && selection === undefined) return shown;
      return find(state, shown.hidden);
    },
    provide: (own) => showTooltip.from(own, ({ tooltip }) => tooltip),
  });
  const escape = keymap.of([
    {
      key: 'Escape',
      run: (view) => {
        if (view.state.field(field).tooltip === null) return false;
        view.dispatch({ effects: hide.of(null) });
        return true;
      },
    },
  ]);
  // Whoever writes elsewhere is not shown it.
  const leaving = EditorView.focusChangeEffect.of((_state, focusing) => (focusing ? null : hide.of(null)));
  return [field, escape, leaving];
}

function signatureOf({ name, parameters, returns, summary }: LanguageEntry, current: number): HTMLElement {
  const place = document.createElement('div');
  place.className = 'explanation signature';
  const head = document.createElement('code');
  head.append(`${name}(`);
  for (const [index, parameter] of parameters.entries()) {
    const part = document.createElement(index === current ? 'strong' : 'span');
    part.textContent = parameter.name;
    head.append(index === 0 ? '' : ', ', part);
  }
  head.append(`)${returns === '' ? '' : ` → ${returns}`}`);
  const text = document.createElement('p');
  const own = parameters[current];
  text.textContent =
    own === undefined ? summary : `${own.name}: ${own.type}${own.description === '' ? '' : `, ${own.description}`}`;
  place.append(head, text);
  return place;
}
