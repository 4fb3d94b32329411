/** One function: its texts in editors, judged while they are typed, saved with Ctrl-S. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Draft, FunctionRow, FunctionText, Remark } from '../console-source.ts';
import type { LanguageEntry } from '../console-source.ts';
import { api } from './api.ts';
import { CodeEditor } from './code-editor.tsx';
import { forgetDraft, keepDraft, keptDraft } from './kept-drafts.ts';
import { firstPanes, PaneChoice } from './edit/pane-choice.tsx';
import { SideForm } from './edit/side-form.tsx';
import { inlineCodeOf, withInlineCode, type InlineCode } from './inline-code.ts';
import { TryPanel } from './try-panel.tsx';

/** Judged when typing rests for so long. */
const restMs = 250;

export interface FunctionPageProps {
  readonly row: FunctionRow;
  readonly entries: readonly LanguageEntry[];
  /** Grows when something changed. */
  readonly version: number;
}

export function FunctionPage({ row, entries }: FunctionPageProps) {
  const { namespace, name } = row;
  const [saved, setSaved] = useState<FunctionText>();
  const [draft, setDraft] = useState<Draft>();
  const [remarks, setRemarks] = useState<readonly Remark[]>([]);
  const [message, setMessage] = useState('');
  const [theirs, setTheirs] = useState<FunctionText>();
  const [asked, setAsked] = useState(0);
  /** Where the last change of the draft was made. */
  const [changedIn, setChangedIn] = useState<'lua' | 'yaml' | 'form'>();
  const [panes, setPanes] = useState(firstPanes);
  const checking = useRef<AbortController>(undefined);

  useEffect(() => {
    let current = true;
    api.text(namespace, name).then(
      (text) => {
        if (!current) return;
        const kept = keptDraft(namespace, name);
        setSaved(kept === undefined ? text : { ...text, version: kept.version });
        setDraft(kept?.draft ?? draftOf(text));
        if (kept !== undefined) setMessage('Unsaved work from before is back.');
      },
      (error: Error) => {
        if (current) setMessage(error.message);
      },
    );
    return () => {
      current = false;
    };
  }, [namespace, name]);

  useEffect(() => {
    if (draft === undefined) return undefined;
    const timer = setTimeout(() => {
      checking.current?.abort();
      const controller = new AbortController();
      checking.current = controller;
      api.check(namespace, name, draft, controller.signal).then(setRemarks, (error: Error) => {
        if (!controller.signal.aborted) setMessage(error.message);
      });
    }, restMs);
    return () => {
      clearTimeout(timer);
    };
  }, [namespace, name, draft]);

  const beside = saved?.lua !== undefined;
  const yaml = draft?.yaml;
  // Parsed when the text changes, not when anything else on the page does.
  const inline = useMemo(
    () => (beside || yaml === undefined ? undefined : inlineCodeOf(yaml, namespace, name)),
    [beside, yaml, namespace, name],
  );

  if (saved === undefined || draft === undefined) return <p role="status">{message || 'Reading …'}</p>;
  const dirty = draft.yaml !== saved.yaml || draft.lua !== saved.lua?.text;

  const change = (next: Draft, where: 'lua' | 'yaml' | 'form'): void => {
    setDraft(next);
    setChangedIn(where);
    keepDraft(namespace, name, next, saved.version);
  };
  const save = async (): Promise<void> => {
    try {
      const result = await api.save(namespace, name, draft, saved.version);
      if (result.kind === 'conflict') {
        setTheirs(result.theirs);
        return;
      }
      if (result.kind === 'refused') {
        setMessage(result.message);
        return;
      }
      forgetDraft(namespace, name);
      setSaved(result.text);
      setMessage('Saved.');
    } catch (error) {
      setMessage(error instanceof Error ? error.message : String(error));
    }
  };
  const settle = (text: FunctionText, own: boolean): void => {
    setTheirs(undefined);
    setSaved(text);
    if (own) keepDraft(namespace, name, draft, text.version);
    else {
      setDraft(draftOf(text));
      setChangedIn(undefined);
      forgetDraft(namespace, name);
    }
  };
  const lua = draft.lua ?? inline?.code;
  const changeLua = (text: string): void => {
    change(
      saved.lua === undefined
        ? { ...draft, yaml: withInlineCode(draft.yaml, namespace, name, text) }
        : { ...draft, lua: text },
      'lua',
    );
  };
  const errors = remarks.filter(({ severity }) => severity === 'error').length;
  return (
    <article class="function">
      <header>
        <h1>
          {namespace}/{name}
        </h1>
        <span class={`state state-${row.ready}`}>{row.reason}</span>
        <span class="hint">{row.programmed}</span>
        {row.url === undefined ? null : <code class="url">{row.url}</code>}
        <button type="button" disabled={!dirty} onClick={() => void save()}>
          Save
        </button>
      </header>
      <p role="status">{message || (row.ready === 'True' ? '' : row.message)}</p>
      {theirs === undefined ? null : (
        <div role="alertdialog" aria-label="Conflict" class="conflict">
          <p>Somebody changed {theirs.place} since you began. Nothing was written.</p>
          <pre>{theirs.lua?.text ?? theirs.yaml}</pre>
          <button type="button" onClick={() => settle(theirs, true)}>
            Keep mine, and save over it next
          </button>
          <button type="button" onClick={() => settle(theirs, false)}>
            Take theirs
          </button>
        </div>
      )}
      <PaneChoice
        panes={lua === undefined ? ['yaml', 'form'] : ['lua', 'yaml', 'form']}
        chosen={panes}
        onChoose={setPanes}
      />
      <div class="texts">
        {lua === undefined ? null : (
          <div class="pane" hidden={!panes.has('lua')}>
            <CodeEditor
              key={`${namespace}/${name}/lua`}
              label={saved.lua?.place ?? 'Lua'}
              language="lua"
              text={lua}
              entries={entries}
              fromOutside={changedIn !== 'lua'}
              remarks={luaRemarks(remarks, inline)}
              onChange={changeLua}
              onSave={() => void save()}
              onTry={() => setAsked(asked + 1)}
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
            remarks={remarks.filter(({ text }) => text === 'yaml')}
            onChange={(yaml) => change({ ...draft, yaml }, 'yaml')}
            onSave={() => void save()}
            onTry={() => setAsked(asked + 1)}
          />
        </div>
        {panes.has('form') ? (
          <section class="pane form-pane" aria-label="Form">
            <SideForm
              namespace={namespace}
              name={name}
              yaml={draft.yaml}
              onChange={(yaml) => change({ ...draft, yaml }, 'form')}
            />
          </section>
        ) : null}
      </div>
      <section aria-label="Problems" class="problems">
        <h2>{errors === 0 ? 'No errors' : `${errors} ${errors === 1 ? 'error' : 'errors'}`}</h2>
        <ul>
          {remarks.map(({ severity, text, line, message: said }) => (
            <li class={severity}>
              {text === 'lua' ? saved.lua?.place : saved.place}
              {line === undefined ? '' : `:${line}`}: {said}
            </li>
          ))}
        </ul>
      </section>
      <h2>Try</h2>
      <TryPanel namespace={namespace} name={name} draft={draft} asked={asked} />
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

function draftOf({ yaml, lua }: FunctionText): Draft {
  return { yaml, ...(lua === undefined ? {} : { lua: lua.text }) };
}
