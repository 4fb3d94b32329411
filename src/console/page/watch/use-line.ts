/** The line to the program: what changed comes over it, and a page that lost it says so, and since when. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ConsoleStatus, LanguageHelp } from '../../console-source.ts';
import { api, ApiFailure, followChanges } from '../api.ts';

/** A time without a line; what happened meanwhile was read again when it was back. */
export interface Gap {
  readonly from: number;
  /** Undefined: it lasts. */
  readonly to?: number;
  /** Another process answered afterwards. */
  readonly restarted?: boolean;
}

export interface Line {
  readonly status: ConsoleStatus | undefined;
  readonly help: LanguageHelp | undefined;
  /** Grow when functions, or calls and deliveries, changed, and with each measurement. */
  readonly versions: { readonly functions: number; readonly calls: number; readonly measures: number };
  /** `locked`: the program wants another token. */
  readonly state: 'connecting' | 'live' | 'lost' | 'locked';
  /** The newest first. */
  readonly gaps: readonly Gap[];
}

const keptGaps = 5;

export function useLine(): Line {
  const [line, setLine] = useState<Line>({
    status: undefined,
    help: undefined,
    versions: { functions: 0, calls: 0, measures: 0 },
    state: 'connecting',
    gaps: [],
  });
  const process = useRef<string>(undefined);

  useEffect(() => {
    const leaving = new AbortController();
    /** What the program is and what Lua knows there changes only with the process. */
    const greet = async (instance: string): Promise<void> => {
      const restarted = process.current !== undefined && process.current !== instance;
      if (process.current === instance) {
        setLine((before) => back(before, before.status, before.help, false));
        return;
      }
      const [status, help] = [await api.status(), await api.language()];
      process.current = instance;
      setLine((before) => back(before, status, help, restarted));
    };
    const failed = (error: unknown): void => {
      const locked = error instanceof ApiFailure && error.status === 401;
      if (!leaving.signal.aborted) setLine((before) => (locked ? { ...before, state: 'locked' } : lost(before)));
    };
    void followChanges(leaving.signal, {
      event: (name, data) => {
        if (name === 'hello') greet(data).catch(failed);
        else setLine((before) => ({ ...before, versions: grown(before.versions, name) }));
      },
      lost: () => setLine(lost),
      locked: () => setLine((before) => ({ ...before, state: 'locked' })),
    });
    return () => {
      leaving.abort();
    };
  }, []);
  return line;
}

function grown(versions: Line['versions'], name: string): Line['versions'] {
  const { functions, calls, measures } = versions;
  return {
    functions: functions + (name === 'functions' ? 1 : 0),
    calls: calls + (name === 'calls' ? 1 : 0),
    measures: measures + (name === 'measures' ? 1 : 0),
  };
}

function lost(before: Line): Line {
  if (before.state === 'lost' || before.state === 'locked') return before;
  return { ...before, state: 'lost', gaps: [{ from: Date.now() }, ...before.gaps].slice(0, keptGaps) };
}

/** Everything is read again: nobody said what happened meanwhile. */
function back(before: Line, status: Line['status'], help: Line['help'], restarted: boolean): Line {
  const [last, ...older] = before.gaps;
  const gaps =
    last === undefined || last.to !== undefined
      ? before.gaps
      : [{ ...last, to: Date.now(), ...(restarted ? { restarted } : {}) }, ...older];
  const { functions, calls, measures } = before.versions;
  return {
    status,
    help,
    state: 'live',
    gaps,
    versions: { functions: functions + 1, calls: calls + 1, measures: measures + 1 },
  };
}
