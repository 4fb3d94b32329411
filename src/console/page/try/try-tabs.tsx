/** What a draft is tried on, beside the sample: each part of the setting on a tab of its own. */
import type { Sample } from '../../console-source.ts';
import type { Tab } from '../edit/tabs.tsx';
import { AnswerRows } from './answer-rows.tsx';
import { PairRows } from './pair-rows.tsx';
import { SecretRows } from './secret-rows.tsx';
import { TextBox } from './text-box.tsx';
import type { TrySetting } from './try-setting.ts';

export interface TryTabsOptions {
  readonly setting: TrySetting;
  readonly past: Sample['past'];
  /** Of the sample. */
  readonly from: string;
  /** Names of the secrets of the draft; read from it while their tab is open. */
  readonly secrets: () => readonly string[];
  onChange(part: Partial<TrySetting>): void;
  onTry(): void;
}

export function tryTabs({ setting, past, from, secrets, onChange, onTry }: TryTabsOptions): readonly Tab[] {
  const cut = past !== undefined && new Blob([past.body]).size < past.bodyBytes ? past.bodyBytes : undefined;
  return [
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
            from={from}
            onChange={(body) => onChange({ body })}
            onTry={onTry}
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
          {past === undefined || past.headers.length === 0 ? null : (
            <details>
              <summary>{past.headers.length} of the real request</summary>
              <p class="about">They come along, without credentials; what proves the sender is made anew.</p>
              <pre>{past.headers.map(([header, value]) => `${header}: ${value}`).join('\n')}</pre>
            </details>
          )}
          <PairRows word="Header" pairs={setting.headers} onChange={(headers) => onChange({ headers })} />
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
          onLive={(live) => onChange({ live })}
          onChange={(answers) => onChange({ answers })}
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
            onChange={(objects) => onChange({ objects })}
            onTry={onTry}
          />
        </>
      ),
    },
    {
      key: 'secrets',
      title: 'Secrets',
      count: Object.values(setting.secrets).filter((value) => value !== '').length,
      content: () => (
        <SecretRows names={secrets()} values={setting.secrets} onChange={(values) => onChange({ secrets: values })} />
      ),
    },
  ];
}
