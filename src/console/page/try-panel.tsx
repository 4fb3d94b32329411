/** Tries the draft on an event: a sample of its sender or one of the user's own, beside everything live. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Draft, Sample } from '../console-source.ts';
import type { TryReport } from '../try-types.ts';
import { api } from './api.ts';
import { CodeEditor } from './code-editor.tsx';
import type { PlainCall } from './plain-call.ts';
import { TimeLine } from './time-line.tsx';

const none: readonly never[] = [];

export interface TryPanelProps {
  readonly namespace: string;
  readonly name: string;
  readonly draft: Draft;
  /** Counts the times that the user asked for a try from elsewhere (Ctrl-Enter in an editor). */
  readonly asked: number;
}

export function TryPanel({ namespace, name, draft, asked }: TryPanelProps) {
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  const [chosen, setChosen] = useState(0);
  const [body, setBody] = useState('');
  const [typed, setTyped] = useState(false);
  const [path, setPath] = useState('');
  const [live, setLive] = useState(false);
  const [running, setRunning] = useState(false);
  const [report, setReport] = useState<TryReport>();
  const [before, setBefore] = useState<TryReport>();
  const [message, setMessage] = useState('');

  const choose = (all: readonly Sample[], index: number): void => {
    setChosen(index);
    setBody(all[index]?.body ?? '');
    setTyped(false);
    setPath(all[index]?.path ?? '');
  };
  useEffect(() => {
    let current = true;
    api.samples(namespace, name, draft, new AbortController().signal).then(
      (found) => {
        if (!current) return;
        setSamples(found);
        choose(found, 0);
      },
      (error: Error) => {
        if (current) setMessage(error.message);
      },
    );
    return () => {
      current = false;
    };
  }, [namespace, name]);

  const sample = samples[chosen];
  const attempt = async (): Promise<void> => {
    if (running || sample === undefined) return;
    setRunning(true);
    setMessage('');
    try {
      const { trigger, event } = sample;
      const result = await api.try(namespace, name, draft, {
        ...(trigger === undefined ? {} : { trigger }),
        event,
        body,
        ...(path === '' ? {} : { path }),
        network: live ? 'live' : 'table',
      });
      if (result.kind === 'refused') setMessage(result.message);
      else {
        setBefore(report);
        setReport(result.report);
      }
    } catch (error) {
      setMessage(error instanceof Error ? error.message : String(error));
    }
    setRunning(false);
  };
  const latest = useRef(attempt);
  latest.current = attempt;
  useEffect(() => {
    if (asked > 0) void latest.current();
  }, [asked]);

  return (
    <section aria-label="Try" class="try">
      <div class="fields">
        <label>
          Event
          <select value={chosen} onChange={(event) => choose(samples, Number(event.currentTarget.value))}>
            {samples.map(({ trigger, kind, event }, index) => (
              <option key={index} value={index}>
                {[trigger, kind, event].filter((part) => part !== undefined).join(' · ')}
              </option>
            ))}
          </select>
        </label>
        {sample?.path === undefined ? null : (
          <label>
            Path
            <input value={path} onInput={(event) => setPath(event.currentTarget.value)} />
          </label>
        )}
        <label class="check">
          <input type="checkbox" checked={live} onChange={(event) => setLive(event.currentTarget.checked)} />
          send real requests
        </label>
        <button type="button" disabled={running || sample === undefined} onClick={() => void attempt()}>
          {running ? 'Running …' : 'Try'}
        </button>
        <span class="hint">Own store, placeholders for secrets: nothing live is touched. Ctrl-Enter</span>
      </div>
      <div class="body-editor">
        <CodeEditor
          label="Event body"
          language="json"
          text={body}
          fromOutside={!typed}
          remarks={none}
          onChange={(text) => {
            setBody(text);
            setTyped(true);
          }}
          onSave={() => {}}
          onTry={() => void attempt()}
        />
      </div>
      <p role="status">{message}</p>
      {report === undefined ? null : <Report report={report} before={before} />}
    </section>
  );
}

function Report({ report, before }: { readonly report: TryReport; readonly before: TryReport | undefined }) {
  const call = report.record as PlainCall | undefined;
  const changed = before !== undefined && (before.status !== report.status || before.body !== report.body);
  return (
    <div class="report">
      <p>
        <strong class={report.status < 400 ? 'state-True' : 'state-False'}>{report.status}</strong>{' '}
        {call === undefined ? null : (
          <span>
            {call.outcome}, {call.durationMs.toFixed(1)} ms
            {call.cpuMs === undefined ? '' : `, ${call.cpuMs.toFixed(2)} ms CPU`}
          </span>
        )}
        {changed ? <span class="changed"> differs from the last: {before.status}</span> : null}
      </p>
      {call?.error?.message === undefined ? null : (
        <p class="error">
          {call.error.line === undefined ? '' : `line ${call.error.line}: `}
          {call.error.message}
        </p>
      )}
      <pre aria-label="Answer">{report.body}</pre>
      {changed ? <pre aria-label="Answer before">{before.body}</pre> : null}
      {call === undefined ? null : <TimeLine call={call} />}
      <details>
        <summary>Story and headers</summary>
        <pre>{report.story.join('\n')}</pre>
        <pre>
          {Object.entries(report.headers)
            .map(([name, value]) => `${name}: ${value}`)
            .join('\n')}
        </pre>
      </details>
    </div>
  );
}
