/** Tries the draft on an event: a sample of its sender or one of the user's own, beside everything live. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Draft, Sample } from '../../console-source.ts';
import type { TryReport } from '../../try-types.ts';
import { api } from '../api.ts';
import { Tabs, type Tab } from '../edit/tabs.tsx';
import { AnswerRows } from './answer-rows.tsx';
import type { SampleEvent } from '../lua-event-help.ts';
import { CatchButton } from './catch-button.tsx';
import { EventFields } from './event-fields.tsx';
import { PairRows } from './pair-rows.tsx';
import { SecretRows } from './secret-rows.tsx';
import { TextBox } from './text-box.tsx';
import { TryReportView } from './try-report.tsx';
import {
  eventOf,
  keepSetting,
  keptSetting,
  keyOf,
  orderOf,
  secretsOf,
  withSample,
  type TrySetting,
} from './try-setting.ts';
import { usePastEvents } from './use-past-events.ts';
import './try.css';

/** Samples are asked for anew when typing rests for so long. */
const restMs = 400;

export interface TryPanelProps {
  readonly namespace: string;
  readonly name: string;
  readonly draft: Draft;
  /** What stands in the files. */
  readonly saved: Draft;
  /** Counts the times that the user asked for a try from elsewhere (Ctrl-Enter in an editor). */
  readonly asked: number;
  /** Goes to a line of the Lua. */
  onLine(line: number): void;
  /** What the draft would be tried on now. */
  onEvent(event: SampleEvent): void;
}

interface Outcome {
  readonly draft: TryReport;
  /** Of what is saved, where it was run beside it. */
  readonly saved?: TryReport;
  readonly savedRefused?: string;
}

export function TryPanel({ namespace, name, draft, saved, asked, onLine, onEvent }: TryPanelProps) {
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  const [chosen, setChosen] = useState('');
  const [setting, setSetting] = useState<TrySetting>(() => keptSetting(namespace, name));
  const [tab, setTab] = useState('body');
  const [running, setRunning] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>();
  const [last, setLast] = useState<TryReport>();
  const [message, setMessage] = useState('');

  useEffect(() => {
    const leaving = new AbortController();
    const timer = setTimeout(
      () => {
        api.samples(namespace, name, draft, leaving.signal).then(
          (found) => {
            // A text that is no YAML has none: those from before stay.
            if (found.length > 0) setSamples(found);
          },
          (error: Error) => {
            if (!leaving.signal.aborted) setMessage(error.message);
          },
        );
      },
      samples.length === 0 ? 0 : restMs,
    );
    return () => {
      clearTimeout(timer);
      leaving.abort();
    };
  }, [namespace, name, draft.yaml]);

  const past = usePastEvents(namespace, name);
  // The first that is caught is what was waited for; what comes after it is there to choose.
  const [first] = past.caught.slice(-1);
  const arrived = first === undefined ? '' : keyOf(first);
  useEffect(() => {
    if (arrived !== '') setChosen(arrived);
  }, [arrived !== '']);
  // One that was chosen stays when it is forgotten elsewhere.
  const held = useRef<Sample>(undefined);
  const all = [...samples, ...past.samples];
  const sample = all.find((each) => keyOf(each) === chosen) ?? (chosen === '' ? undefined : held.current) ?? samples[0];
  held.current = sample;
  const key = sample === undefined ? '' : keyOf(sample);
  // What was typed stays while the sample is the same; a moved route moves along.
  useEffect(() => setSetting((now) => withSample(now, sample)), [key]);
  useEffect(() => setSetting((now) => ({ ...now, path: sample?.path ?? '' })), [sample?.path]);

  useEffect(() => {
    if (sample !== undefined) onEvent(eventOf(setting, sample));
  }, [key, setting.body, setting.method, setting.path]);

  const change = (part: Partial<TrySetting>): void => {
    const next = { ...setting, ...part };
    setSetting(next);
    keepSetting(namespace, name, next);
  };
  const attempt = async (): Promise<void> => {
    if (running || sample === undefined) return;
    setRunning(true);
    setMessage('');
    try {
      const order = orderOf(setting, sample);
      const result = await api.try(namespace, name, draft, order);
      if (result.kind === 'refused') setMessage(result.message);
      else {
        const beside = setting.compare ? await api.try(namespace, name, saved, order) : undefined;
        setLast(outcome?.draft);
        setOutcome({
          draft: result.report,
          ...(beside?.kind === 'ran' ? { saved: beside.report } : {}),
          ...(beside?.kind === 'refused' ? { savedRefused: beside.message } : {}),
        });
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

  const real = sample?.past;
  const cut = real !== undefined && new Blob([real.body]).size < real.bodyBytes ? real.bodyBytes : undefined;
  const run = (): void => void latest.current();
  const typed = Object.values(setting.secrets).filter((value) => value !== '').length;
  const tabs: readonly Tab[] = [
    {
      key: 'body',
      title: 'Body',
      content: () => (
        <>
          {cut === undefined ? null : <p class="about">The first 64 KiB of {cut} bytes: the rest is not kept.</p>}
          <TextBox
            label="Event body"
            language="json"
            text={setting.body}
            from={key}
            onChange={(body) => change({ body })}
            onTry={run}
          />
        </>
      ),
    },
    {
      key: 'headers',
      title: 'Headers',
      count: setting.headers.length,
      content: () => (
        <>
          <p class="about">
            Beside the headers of the sender, or in their place: a signature written here is sent as it is.
          </p>
          {real === undefined || real.headers.length === 0 ? null : (
            <details>
              <summary>{real.headers.length} of the real request</summary>
              <p class="about">They come along, without credentials; what proves the sender is made anew.</p>
              <pre>{real.headers.map(([header, value]) => `${header}: ${value}`).join('\n')}</pre>
            </details>
          )}
          <PairRows word="Header" pairs={setting.headers} onChange={(headers) => change({ headers })} />
        </>
      ),
    },
    {
      key: 'answers',
      title: 'HTTP answers',
      count: setting.answers.length,
      content: () => (
        <AnswerRows
          answers={setting.answers}
          live={setting.live}
          onLive={(live) => change({ live })}
          onChange={(answers) => change({ answers })}
        />
      ),
    },
    {
      key: 'objects',
      title: 'Objects',
      count: setting.objects.trim() === '' ? 0 : setting.objects.split(/^---$/m).length,
      content: () => (
        <>
          <p class="about">
            YAML documents that <code>k8s.*</code> reads and writes for this try; <code>log</code> of a Pod is what{' '}
            <code>k8s.logs</code> reads.
          </p>
          <TextBox
            label="Cluster objects"
            language="yaml"
            text={setting.objects}
            from="objects"
            onChange={(objects) => change({ objects })}
            onTry={run}
          />
        </>
      ),
    },
    {
      key: 'secrets',
      title: 'Secrets',
      count: typed,
      content: () => (
        <SecretRows
          names={secretsOf(draft.yaml, namespace, name)}
          values={setting.secrets}
          onChange={(values) => change({ secrets: values })}
        />
      ),
    },
  ];
  return (
    <section aria-label="Try" class="try">
      <EventFields
        samples={sample === undefined || all.some((each) => keyOf(each) === key) ? all : [...all, sample]}
        chosen={key}
        setting={setting}
        onChoose={setChosen}
        onLook={past.look}
        onChange={change}
      >
        <button type="button" class="primary" disabled={sample === undefined} aria-disabled={running} onClick={run}>
          {running ? 'Running …' : 'Try'}
        </button>
        <CatchButton past={past} />
      </EventFields>
      <div class="try-columns">
        <div class="try-order">
          <Tabs label="What it is tried on" tabs={tabs} chosen={tab} onChoose={setTab} />
        </div>
        <div class="try-outcome" aria-busy={running}>
          <p role="status">{message}</p>
          {outcome === undefined ? (
            <p class="about">
              Runs what is in the editors, saved or not, beside everything live: own store, placeholders for secrets,
              nothing sent. <kbd>Ctrl</kbd>+<kbd>Enter</kbd>
            </p>
          ) : (
            <div class={outcome.saved === undefined ? 'reports' : 'reports two'}>
              {outcome.savedRefused === undefined ? null : <p class="error">The saved text: {outcome.savedRefused}</p>}
              {outcome.saved === undefined ? null : (
                <TryReportView title="Saved" report={outcome.saved} other={outcome.draft} onLine={onLine} />
              )}
              <TryReportView title="Draft" report={outcome.draft} other={outcome.saved ?? last} onLine={onLine} />
            </div>
          )}
        </div>
      </div>
    </section>
  );
}
