/** One function: its texts and its form, judged while they are typed, saved with Ctrl-S; tried and watched below. */
import { useMemo, useRef, useState } from 'preact/hooks';
import type { FunctionRow, LanguageHelp, Remark } from '../console-source.ts';
import { CodeEditor, type Jump } from './code-editor.tsx';
import { ConflictDialog } from './edit/conflict-dialog.tsx';
import { OwnedDialog } from './edit/owned-dialog.tsx';
import { Outline } from './edit/outline.tsx';
import { firstPanes, PaneChoice } from './edit/pane-choice.tsx';
import { ProblemList } from './edit/problem-list.tsx';
import { SideForm } from './edit/side-form.tsx';
import { draftOf, useDraft } from './edit/use-draft.ts';
import { usePageKeys } from './edit/use-page-keys.ts';
import { inlineCodeOf, withInlineCode, type InlineCode } from './inline-code.ts';
import type { SampleEvent } from './lua-event-help.ts';
import { NextSteps } from './new/next-steps.tsx';
import { TryPanel } from './try/try-panel.tsx';

export interface FunctionPageProps {
  readonly row: FunctionRow;
  readonly help: LanguageHelp;
  /** Grows when functions changed. */
  readonly version: number;
}

export function FunctionPage({ row, help, version }: FunctionPageProps) {
  const { namespace, name } = row;
  const state = useDraft(namespace, name, version);
  const { saved, draft, changedIn, remarks, message, theirs, change } = state;
  const sampleEvent = useRef<SampleEvent>(undefined);
  const [asked, setAsked] = useState(0);
  const [panes, setPanes] = useState(firstPanes);
  const [jump, setJump] = useState<Jump & { readonly into: 'lua' | 'yaml' }>();

  const beside = saved?.lua !== undefined;
  const yaml = draft?.yaml;
  // Parsed when the text changes, not when anything else on the page does.
  const inline = useMemo(
    () => (beside || yaml === undefined ? undefined : inlineCodeOf(yaml, namespace, name)),
    [beside, yaml, namespace, name],
  );
  // Placed when they come: after that the editors move them with what is typed.
  const ofLua = useMemo(() => luaRemarks(remarks, inline), [remarks]);
  const ofYaml = useMemo(() => remarks.filter(({ text }) => text === 'yaml'), [remarks]);
  const place = usePageKeys({ save: () => void state.save(), attempt: () => setAsked(asked + 1) });
  if (saved === undefined || draft === undefined) return <p role="status">{message || 'Reading …'}</p>;

  const save = (): void => void state.save();
  const attempt = (): void => setAsked(asked + 1);
  const lua = draft.lua ?? inline?.code;
  const changeLua = (text: string): void => {
    change(
      beside ? { ...draft, lua: text } : { ...draft, yaml: withInlineCode(draft.yaml, namespace, name, text) },
      'lua',
    );
  };
  const go = (into: 'lua' | 'yaml', line: number, column = 1): void => {
    if (!panes.has(into)) setPanes(new Set([...panes, into]));
    setJump({ into, line, column, count: (jump?.count ?? 0) + 1 });
  };
  const goToRemark = (remark: Remark): void => {
    const [inLua] = luaRemarks([remark], inline);
    if (inLua !== undefined) go('lua', inLua.line ?? 1, inLua.column);
    else go('yaml', remark.line ?? 1, remark.column);
  };
  return (
    <article class="function" ref={place}>
      <header>
        <h1>
          {namespace}/{name}
        </h1>
        <span class={`state state-${row.ready}`}>{row.reason}</span>
        <span class="hint">{row.programmed}</span>
        {row.url === undefined ? null : <code class="url">{row.url}</code>}
        <button type="button" class="primary" disabled={!state.dirty} onClick={save}>
          Save
        </button>
      </header>
      <p role="status">{message || (row.ready === 'True' ? '' : row.message)}</p>
      {theirs === undefined ? null : <ConflictDialog theirs={theirs} mine={draft} onSettle={state.settle} />}
      {state.owned === undefined ? null : <OwnedDialog fields={state.owned.fields} onSettle={state.settleOwned} />}
      <NextSteps row={row} />
      <div class="above-texts">
        <PaneChoice
          panes={lua === undefined ? ['yaml', 'form'] : ['lua', 'yaml', 'form']}
          chosen={panes}
          onChoose={setPanes}
        />
        {lua === undefined ? null : <Outline lua={lua} onGo={(line) => go('lua', line)} />}
      </div>
      <div class="texts">
        {lua === undefined ? null : (
          <div class="pane" hidden={!panes.has('lua')}>
            <CodeEditor
              key={`${namespace}/${name}/lua`}
              label={saved.lua?.place ?? 'Lua'}
              language="lua"
              text={lua}
              help={help}
              fromOutside={changedIn !== 'lua'}
              remarks={ofLua}
              jump={jump?.into === 'lua' ? jump : undefined}
              onChange={changeLua}
              onSave={save}
              onTry={attempt}
              sampleEvent={() => sampleEvent.current}
            />
          </div>
        )}
        <div class="pane" hidden={!panes.has('yaml')}>
          <CodeEditor
            key={`${namespace}/${name}/yaml`}
            label={saved.place}
            language="yaml"
            text={draft.yaml}
            fromOutside={changedIn !== 'yaml'}
            remarks={ofYaml}
            jump={jump?.into === 'yaml' ? jump : undefined}
            onChange={(next) => change({ ...draft, yaml: next }, 'yaml')}
            onSave={save}
            onTry={attempt}
          />
        </div>
        {panes.has('form') ? (
          <section class="pane form-pane" aria-label="Form">
            <SideForm
              namespace={namespace}
              name={name}
              yaml={draft.yaml}
              typing={changedIn === 'lua' || changedIn === 'yaml'}
              onChange={(next) => change({ ...draft, yaml: next }, 'form')}
            />
          </section>
        ) : null}
      </div>
      <ProblemList remarks={remarks} saved={saved} onGo={goToRemark} />
      <h2>Try</h2>
      <TryPanel
        key={`${namespace}/${name}/try`}
        namespace={namespace}
        name={name}
        draft={draft}
        saved={draftOf(saved)}
        asked={asked}
        onLine={(line) => go('lua', line)}
        onEvent={(event) => (sampleEvent.current = event)}
      />
    </article>
  );
}

/** Those about the Lua, at lines of the Lua: inline code stands some lines and columns into the YAML. */
function luaRemarks(remarks: readonly Remark[], inline: InlineCode | undefined): readonly Remark[] {
  if (inline === undefined) return remarks.filter(({ text }) => text === 'lua');
  const last = inline.line + inline.code.split('\n').length - 1;
  return remarks
    .filter(({ line }) => line !== undefined && line >= inline.line && line < last)
    .map((remark) => ({
      ...remark,
      line: (remark.line ?? 0) - inline.line + 1,
      ...(remark.column === undefined ? {} : { column: remark.column - inline.indent }),
    }));
}
