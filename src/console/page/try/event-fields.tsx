/** The row above a try: which event, where to, and what to compare with. */
import type { ComponentChildren } from 'preact';
import type { Sample } from '../../console-source.ts';
import type { TrySetting } from './try-setting.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

export interface EventFieldsProps {
  readonly samples: readonly Sample[];
  readonly chosen: string;
  readonly setting: TrySetting;
  onChoose(key: string): void;
  onChange(part: Partial<TrySetting>): void;
  readonly children: ComponentChildren;
}

export function EventFields({ samples, chosen, setting, onChoose, onChange, children }: EventFieldsProps) {
  const keyOf = ({ trigger = '', kind, event }: Sample): string => JSON.stringify([trigger, kind, event]);
  const sample = samples.find((each) => keyOf(each) === chosen);
  return (
    <div class="fields">
      <label>
        Event
        <select value={chosen} onChange={(event) => onChoose(event.currentTarget.value)}>
          {samples.map((each) => (
            <option key={keyOf(each)} value={keyOf(each)}>
              {[each.trigger, each.kind, each.event].filter((part) => part !== undefined).join(' · ')}
            </option>
          ))}
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
