/** Which of the texts and the form are shown beside each other; remembered in this browser. */

export type Pane = 'lua' | 'yaml' | 'form';

const words: Readonly<Record<Pane, string>> = { lua: 'Lua', yaml: 'YAML', form: 'Form' };
const memory = 'moonhook-panes';
/** So wide that three of them have room. */
const wide = '(min-width: 1500px)';

/** Those of last time; else as many as the window has room for. */
export function firstPanes(): ReadonlySet<Pane> {
  const kept = (localStorage.getItem(memory) ?? '')
    .split(' ')
    .filter((word): word is Pane => Object.hasOwn(words, word));
  if (kept.length > 0) return new Set(kept);
  return new Set<Pane>(matchMedia(wide).matches ? ['lua', 'yaml', 'form'] : ['lua', 'form']);
}

export interface PaneChoiceProps {
  readonly panes: readonly Pane[];
  readonly chosen: ReadonlySet<Pane>;
  onChoose(chosen: ReadonlySet<Pane>): void;
}

export function PaneChoice({ panes, chosen, onChoose }: PaneChoiceProps) {
  const toggle = (pane: Pane): void => {
    const next = new Set(chosen);
    if (!next.delete(pane)) next.add(pane);
    if (!panes.some((each) => next.has(each))) return;
    localStorage.setItem(memory, [...next].join(' '));
    onChoose(next);
  };
  return (
    <div class="pane-choice" role="group" aria-label="Show">
      {panes.map((pane) => (
        <button type="button" key={pane} aria-pressed={chosen.has(pane)} onClick={() => toggle(pane)}>
          {words[pane]}
        </button>
      ))}
    </div>
  );
}
