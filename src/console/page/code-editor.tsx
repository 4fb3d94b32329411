/** A CodeMirror editor for one text, with the remarks of the checker at their places. */
import { colours } from './colours.ts';
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import {
  bracketMatching,
  foldGutter,
  foldKeymap,
  indentOnInput,
  indentUnit,
  StreamLanguage,
  syntaxHighlighting,
} from '@codemirror/language';
import { lua } from '@codemirror/legacy-modes/mode/lua';
import { json } from '@codemirror/lang-json';
import { yaml } from '@codemirror/lang-yaml';
import { lintGutter, setDiagnostics, type Diagnostic } from '@codemirror/lint';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { EditorState, type Extension } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { useEffect, useRef } from 'preact/hooks';
import type { Remark } from '../console-source.ts';
import type { LanguageHelp } from '../console-source.ts';
import { changeBetween } from './edit/change-between.ts';
import { formatLua } from './format-lua.ts';
import { luaCompletion, luaHover } from './lua-help.ts';
import type { SampleEvent } from './lua-event-help.ts';
import { luaSignature } from './lua-signature.ts';

type Language = 'lua' | 'yaml' | 'json';

const languages: Readonly<Record<Language, () => Extension>> = {
  lua: () => StreamLanguage.define(lua),
  yaml: () => yaml(),
  json: () => json(),
};

const appearance = EditorView.theme({
  '&': { height: '100%', fontSize: '13px' },
  '.cm-scroller': { fontFamily: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace', lineHeight: '1.5' },
});

/** A place to go to; `count` tells one wish from the next. */
export interface Jump {
  readonly line: number;
  readonly column: number;
  readonly count: number;
}

export interface CodeEditorProps {
  readonly label: string;
  readonly language: Language;
  readonly text: string;
  /**
   * False: the last change was made in this editor. Its owner repeats it a moment later, when more may have been typed: it
   * must not be put in the place of that.
   */
  readonly fromOutside: boolean;
  readonly remarks: readonly Remark[];
  onChange(text: string): void;
  onSave(): void;
  /** What the editor knows of Lua. */
  readonly help?: LanguageHelp;
  /** What the draft is tried on: its fields are completed. */
  sampleEvent?(): SampleEvent | undefined;
  readonly jump?: Jump | undefined;
  /** Ctrl-Enter. */
  onTry?(): void;
}

export function CodeEditor(props: CodeEditorProps) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const latest = useRef(props);
  latest.current = props;
  /** What the editor has told last: the owner repeats it a moment later, when more has been typed. */
  const told = useRef(props.text);

  useEffect(() => {
    if (place.current === null) return undefined;
    const editor = new EditorView({
      parent: place.current,
      state: EditorState.create({ doc: latest.current.text, extensions: extensionsOf(latest, told) }),
    });
    // By keyboard, too.
    editor.scrollDOM.tabIndex = 0;
    view.current = editor;
    return () => {
      editor.destroy();
    };
  }, []);

  useEffect(() => {
    const editor = view.current;
    if (editor === undefined || !props.fromOutside || props.text === told.current) return;
    told.current = props.text;
    editor.dispatch({ changes: changeBetween(editor.state.doc.toString(), props.text) });
  }, [props.text]);

  useEffect(() => {
    const editor = view.current;
    if (editor !== undefined) editor.dispatch(setDiagnostics(editor.state, placed(editor.state, props.remarks)));
  }, [props.remarks]);

  useEffect(() => {
    const editor = view.current;
    if (editor === undefined || props.jump === undefined) return;
    const { line, column } = props.jump;
    const { from, to } = editor.state.doc.line(Math.min(Math.max(line, 1), editor.state.doc.lines));
    editor.dispatch({
      selection: { anchor: Math.min(from + Math.max(column - 1, 0), to) },
      effects: EditorView.scrollIntoView(from, { y: 'center' }),
    });
    editor.focus();
  }, [props.jump?.count]);

  return <div class="code-editor" ref={place} />;
}

function extensionsOf(latest: { readonly current: CodeEditorProps }, told: { current: string }): readonly Extension[] {
  const save = (): boolean => {
    latest.current.onSave();
    return true;
  };
  const attempt = (): boolean => {
    latest.current.onTry?.();
    return true;
  };
  return [
    keymap.of([
      { key: 'Mod-s', run: save, preventDefault: true },
      { key: 'Mod-Enter', run: attempt, preventDefault: true },
    ]),
    lineNumbers(),
    highlightActiveLineGutter(),
    highlightSpecialChars(),
    history(),
    foldGutter(),
    drawSelection(),
    indentOnInput(),
    indentUnit.of('  '),
    syntaxHighlighting(colours),
    bracketMatching(),
    closeBrackets(),
    ...helpOf(latest),
    highlightActiveLine(),
    highlightSelectionMatches(),
    lintGutter(),
    keymap.of([
      ...closeBracketsKeymap,
      ...defaultKeymap,
      ...searchKeymap,
      ...historyKeymap,
      ...foldKeymap,
      ...completionKeymap,
      indentWithTab,
    ]),
    languages[latest.current.language](),
    appearance,
    EditorView.contentAttributes.of({ 'aria-label': latest.current.label }),
    EditorView.updateListener.of((update) => {
      if (!update.docChanged) return;
      const text = update.state.doc.toString();
      if (text === told.current) return;
      told.current = text;
      latest.current.onChange(text);
    }),
  ];
}

/** Completion, explanations and formatting, where the text is Lua. */
function helpOf(latest: { readonly current: CodeEditorProps }): readonly Extension[] {
  const { language, help } = latest.current;
  if (language !== 'lua' || help === undefined) return [autocompletion()];
  const format = (view: EditorView): boolean => {
    const text = view.state.doc.toString();
    void formatLua(text).then((formatted) => {
      if (formatted === undefined || formatted === text || view.state.doc.toString() !== text) return;
      view.dispatch({ changes: changeBetween(text, formatted) });
    });
    return true;
  };
  return [
    autocompletion({ override: [luaCompletion(help, () => latest.current.sampleEvent?.())] }),
    luaHover(help.entries),
    luaSignature(help.entries),
    keymap.of([{ key: 'Shift-Alt-f', run: format, preventDefault: true }]),
  ];
}

/** Remarks at their lines; one whose place is unknown, or gone since, stands at the first line. */
function placed(state: EditorState, remarks: readonly Remark[]): Diagnostic[] {
  return remarks.map(({ severity, line, column, message }) => {
    const at = state.doc.line(Math.min(Math.max(line ?? 1, 1), state.doc.lines));
    const from = Math.min(at.from + Math.max((column ?? 1) - 1, 0), at.to);
    const word = /^\w+/.exec(state.doc.sliceString(from, at.to))?.[0].length ?? 0;
    return { from, to: word > 0 ? from + word : at.to, severity: severity === 'note' ? 'info' : severity, message };
  });
}
