/** The texts of one function while a person writes them: read, kept, judged, saved, and compared with what others write. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Draft, FunctionText, OwnedField, Remark } from '../../console-source.ts';
import { api } from '../api.ts';
import { forgetDraft, keepDraft, keptDraft } from '../kept-drafts.ts';

/** Judged when typing rests for so long. */
const restMs = 250;

/** Where the last change of the draft was made. */
export type ChangedIn = 'lua' | 'yaml' | 'form';

export interface DraftState {
  /** Undefined: not read yet. */
  readonly saved: FunctionText | undefined;
  readonly draft: Draft | undefined;
  /** Undefined: it came from the files. */
  readonly changedIn: ChangedIn | undefined;
  readonly remarks: readonly Remark[];
  readonly message: string;
  /** What stands in the files where that is not what the draft is based on: to be decided on. */
  readonly theirs: FunctionText | undefined;
  /** Fields that others look after, and that a save would take: to be decided on. */
  readonly owned: OwnedFields | undefined;
  readonly dirty: boolean;
  say(message: string): void;
  change(next: Draft, where: ChangedIn): void;
  save(): Promise<void>;
  /** Ends a conflict: with the own text, saved over theirs next, or with theirs. */
  settle(own: boolean): void;
  /** Ends a question about fields of others: they are taken over and saved, or stay as they are. */
  settleOwned(takeOver: boolean): void;
}

/** What a save would take from others, and the draft that leaves it to them. */
export interface OwnedFields {
  readonly fields: readonly OwnedField[];
  readonly yielded: Draft;
}

/** `version` grows when something may have changed in the files. */
export function useDraft(namespace: string, name: string, version: number): DraftState {
  const [saved, setSaved] = useState<FunctionText>();
  const [draft, setDraft] = useState<Draft>();
  const [changedIn, setChangedIn] = useState<ChangedIn>();
  const [remarks, setRemarks] = useState<readonly Remark[]>([]);
  const [message, setMessage] = useState('');
  const [theirs, setTheirs] = useState<FunctionText>();
  const [owned, setOwned] = useState<OwnedFields>();
  const saving = useRef(false);
  const latest = useRef({ saved, draft });
  latest.current = { saved, draft };

  useEffect(() => {
    let current = true;
    api.text(namespace, name).then(
      (text) => {
        if (!current || saving.current) return;
        if (latest.current.saved === undefined) {
          const kept = keptDraft(namespace, name);
          setSaved(kept === undefined ? text : { ...text, version: kept.version });
          setDraft(kept?.draft ?? draftOf(text));
          if (kept !== undefined) setMessage('Unsaved work from before is back.');
          return;
        }
        if (text.version === latest.current.saved.version) return;
        // Nothing was typed: what is shown is what stands in the files.
        if (isSame(latest.current.draft, draftOf(latest.current.saved))) {
          setSaved(text);
          setDraft(draftOf(text));
          setChangedIn(undefined);
          setMessage('Changed in its files, and read anew.');
        } else setMessage(`${text.place} was changed meanwhile: saving shows the difference and writes nothing.`);
      },
      (error: Error) => {
        if (current) setMessage(error.message);
      },
    );
    return () => {
      current = false;
    };
  }, [namespace, name, version]);

  useEffect(() => {
    if (draft === undefined) return undefined;
    const control = new AbortController();
    const timer = setTimeout(() => {
      api.check(namespace, name, draft, control.signal).then(setRemarks, (error: Error) => {
        if (!control.signal.aborted) setMessage(error.message);
      });
    }, restMs);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [namespace, name, draft]);

  const save = async (takeOver: boolean): Promise<void> => {
    if (saved === undefined || draft === undefined || saving.current) return;
    saving.current = true;
    try {
      const result = await api.save(namespace, name, draft, saved.version, takeOver);
      if (result.kind === 'conflict') {
        // A text that was not touched here is no matter of dispute.
        const { yaml, lua } = draftOf(result.theirs);
        const own = { yaml: draft.yaml === saved.yaml ? yaml : draft.yaml };
        const ownLua = draft.lua === saved.lua?.text ? lua : draft.lua;
        setDraft({ ...own, ...(ownLua === undefined ? {} : { lua: ownLua }) });
        setChangedIn(undefined);
        setTheirs(result.theirs);
      } else if (result.kind === 'owned') setOwned(result);
      else if (result.kind === 'refused') setMessage(result.message);
      else {
        setSaved(result.text);
        setMessage('Saved.');
        const typed = latest.current.draft;
        if (typed === undefined || isSame(typed, draft)) {
          // A cluster keeps no comments and no order: what is shown is what it keeps.
          setDraft(draftOf(result.text));
          setChangedIn(undefined);
          forgetDraft(namespace, name);
        }
        // What was typed while it was being saved is unsaved work again.
        else keepDraft(namespace, name, typed, result.text.version);
      }
    } catch (error) {
      setMessage(error instanceof Error ? error.message : String(error));
    }
    saving.current = false;
  };
  const dirty = saved !== undefined && !isSame(draft, draftOf(saved));
  return {
    saved,
    draft,
    changedIn,
    remarks,
    message,
    theirs,
    owned,
    dirty,
    say: setMessage,
    change: (next, where) => {
      setDraft(next);
      setChangedIn(where);
      if (saved === undefined) return;
      if (isSame(next, draftOf(saved))) forgetDraft(namespace, name);
      else keepDraft(namespace, name, next, saved.version);
    },
    save: () => save(false),
    settle: (own) => {
      if (theirs === undefined || draft === undefined) return;
      setTheirs(undefined);
      setSaved(theirs);
      if (own) {
        keepDraft(namespace, name, draft, theirs.version);
        setMessage('Yours is kept: the next save writes it over theirs.');
        return;
      }
      setDraft(draftOf(theirs));
      setChangedIn(undefined);
      forgetDraft(namespace, name);
      setMessage('Theirs is taken.');
    },
    settleOwned: (takeOver) => {
      setOwned(undefined);
      if (takeOver) void save(true);
      else if (owned !== undefined && saved !== undefined) {
        setDraft(owned.yielded);
        setChangedIn(undefined);
        keepDraft(namespace, name, owned.yielded, saved.version);
        setMessage('What others look after is as it was: the rest is saved next.');
      }
    },
  };
}

/** The text as it is edited. */
export function draftOf({ yaml, lua }: FunctionText): Draft {
  return { yaml, ...(lua === undefined ? {} : { lua: lua.text }) };
}

function isSame(one: Draft | undefined, other: Draft): boolean {
  return one?.yaml === other.yaml && one.lua === other.lua;
}
