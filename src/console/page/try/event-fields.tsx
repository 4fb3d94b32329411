/** The row above a try: which event, where to, and what to compare with. */
import type { ComponentChildren } from 'preact';
import type { Sample } from '../../console-source.ts';
import { formatClock } from '../watch/format.ts';
import { keyOf, type TrySetting } from './try-setting.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

export interface EventFieldsProps {
  readonly samples: readonly Sample[];
  readonly chosen: string;
  readonly setting: TrySetting;
  onChoose(key: string): void;
  /** Somebody is about to choose. */
  onLook(): void;
  onChange(part: Partial<TrySetting>): void;
  readonly children: ComponentChildren;
}

export function EventFields({ samples, chosen, setting, onChoose, onLook, onChange, children }: EventFieldsProps) {
  const sample = samples.find((each) => keyOf(each) === chosen);
  return (
    <div class="fields">
      <label>
        Event
        <select value={chosen} onFocus={onLook} onChange={(event) => onChoose(event.currentTarget.value)}>
          <optgroup label="Samples">{samples.filter(({ past }) => past === undefined).map(optionOf)}</optgroup>
          {samples.some(({ past }) => past !== undefined) ? (
            <optgroup label="Real events">{samples.filter(({ past }) => past !== undefined).map(optionOf)}</optgroup>
          ) : null}
        </select>
      </label>
      {sample?.path === undefined ? null : (
        <>
          <label>
            Method
            <select
              class="short"
              value={setting.method}
              onChange={(event) => onChange({ method: event.currentTarget.value })}
            >
              <option value="">usual</option>
              {methods.map((method) => (
                <option key={method} value={method}>
                  {method}
                </option>
              ))}
            </select>
          </label>
          <label>
            Path
            <input
              value={setting.path}
              spellcheck={false}
              onInput={(event) => onChange({ path: event.currentTarget.value })}
            />
          </label>
        </>
      )}
      <label class="check">
        <input
          type="checkbox"
          checked={setting.compare}
          onChange={(event) => onChange({ compare: event.currentTarget.checked })}
        />
        beside the saved text
      </label>
      {children}
    </div>
  );
}

function optionOf(sample: Sample) {
  const { trigger, kind, event, past } = sample;
  const words =
    past === undefined ? [trigger, kind, event] : [formatClock(past.time, Date.now()), trigger, event, past.state];
  return (
    <option key={keyOf(sample)} value={keyOf(sample)}>
      {words.filter((part) => part !== undefined).join(' · ')}
    </option>
  );
}
