/** Tries the draft on an event: a sample of its sender or one of the user's own, beside everything live. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Draft } from '../../console-source.ts';
import type { TryReport } from '../../try-types.ts';
import { api } from '../api.ts';
import { Tabs } from '../edit/tabs.tsx';
import type { SampleEvent } from '../lua-event-help.ts';
import { CatchButton } from './catch-button.tsx';
import { EventFields } from './event-fields.tsx';
import { eventOf, keepSetting, keptSetting, orderOf, secretsOf, withSample, type TrySetting } from './try-setting.ts';
import { TryOutcome, type Outcome } from './try-outcome.tsx';
import { tryTabs } from './try-tabs.tsx';
import { useSamples } from './use-samples.ts';
import './try.css';

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

export function TryPanel({ namespace, name, draft, saved, asked, onLine, onEvent }: TryPanelProps) {
  const [setting, setSetting] = useState<TrySetting>(() => keptSetting(namespace, name));
  const [tab, setTab] = useState('body');
  const [running, setRunning] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>();
  const [last, setLast] = useState<TryReport>();
  const [message, setMessage] = useState('');

  const { all, sample, key, past, choose } = useSamples(namespace, name, draft, setMessage);
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

  const run = (): void => void latest.current();
  const tabs = tryTabs({
    setting,
    past: sample?.past,
    from: key,
    secrets: () => secretsOf(draft.yaml, namespace, name),
    onChange: change,
    onTry: run,
  });
  return (
    <section aria-label="Try" class="try">
      <EventFields samples={all} chosen={key} setting={setting} onChoose={choose} onLook={past.look} onChange={change}>
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
          <TryOutcome outcome={outcome} last={last} onLine={onLine} />
        </div>
      </div>
    </section>
  );
}
