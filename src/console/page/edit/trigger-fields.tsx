/** The fields of one trigger: those that matter first, the rest behind one word. */
import { useState } from 'preact/hooks';
import type { FormField, FormKit } from '../../editing-source.ts';
import { members } from './form-value.ts';
import { ReceiverField } from './receiver-field.tsx';
import { ScheduleField } from './schedule-field.tsx';
import type { Change } from './field-props.ts';
import { SchemaField } from './schema-field.tsx';

/** What makes a function run, in the order that a new one is chosen from. */
export const triggerKinds = ['http', 'schedule', 'event', 'kubernetes'] as const;
export type TriggerKind = (typeof triggerKinds)[number];

/** Shown at once; the other fields of the kind stand behind "More". */
const first: Readonly<Record<TriggerKind, readonly string[]>> = {
  http: ['path', 'methods', 'mode'],
  schedule: [],
  event: ['type', 'source'],
  kubernetes: ['apiVersion', 'kind', 'events', 'namespaces', 'labelSelector'],
};
/** Drawn by a part of their own. */
const drawn: Readonly<Record<TriggerKind, readonly string[]>> = {
  http: ['receiver'],
  schedule: ['cron', 'timeZone'],
  event: [],
  kubernetes: [],
};
/** Fields of the trigger itself that every kind has. */
const shared = ['filter', 'limits', 'retry'];

const usualKinds: readonly string[] = ['Pod', 'Deployment', 'Job', 'Node', 'Namespace', 'Event', 'ConfigMap', 'Secret'];

export interface TriggerFieldsProps {
  readonly kind: TriggerKind;
  /** Schema of a trigger. */
  readonly field: FormField;
  readonly trigger: Readonly<Record<string, unknown>>;
  readonly path: readonly (string | number)[];
  readonly kit: FormKit;
  readonly functionName: string;
  readonly onChange: Change;
}

export function TriggerFields({ kind, field, trigger, path, kit, functionName, onChange }: TriggerFieldsProps) {
  const [more, setMore] = useState(false);
  const own = field.properties?.[kind];
  if (own === undefined) return null;
  const value = members(trigger[kind]);
  const one = (name: string) => {
    const each = own.properties?.[name];
    if (each === undefined) return null;
    // Several mounts take the place of one.
    if (kind === 'http' && name === 'path' && value['routes'] !== undefined) return null;
    return (
      <SchemaField
        key={name}
        name={name}
        field={each}
        value={value[name]}
        path={[...path, kind, name]}
        required={own.required?.includes(name) === true || (kind === 'http' && name === 'path')}
        {...(kind === 'kubernetes' && name === 'kind' ? { suggestions: usualKinds } : {})}
        onChange={onChange}
      />
    );
  };
  const further = Object.keys(own.properties ?? {}).filter(
    (name) => !first[kind].includes(name) && !drawn[kind].includes(name),
  );
  const set = [
    ...further.filter((name) => value[name] !== undefined),
    ...shared.filter((name) => trigger[name] !== undefined),
  ];
  const receiver = own.properties?.['receiver'];
  return (
    <>
      {first[kind].slice(0, 1).map(one)}
      {kind === 'http' && receiver !== undefined ? (
        <ReceiverField
          field={receiver}
          value={value['receiver']}
          path={[...path, kind, 'receiver']}
          senders={kit.senders}
          functionName={functionName}
          onChange={onChange}
        />
      ) : null}
      {first[kind].slice(1).map(one)}
      {kind === 'schedule' ? (
        <ScheduleField field={own} value={value} path={[...path, kind]} timeZones={kit.timeZones} onChange={onChange} />
      ) : null}
      <details class="more" onToggle={(event) => setMore(event.currentTarget.open)}>
        <summary>
          More settings
          {set.length === 0 ? null : <span class="set"> {set.join(', ')}</span>}
        </summary>
        {more ? further.map(one) : null}
        {(more ? shared : []).map((name) => {
          const each = field.properties?.[name];
          return each === undefined ? null : (
            <SchemaField
              key={name}
              name={name}
              field={each}
              value={trigger[name]}
              path={[...path, name]}
              onChange={onChange}
            />
          );
        })}
      </details>
    </>
  );
}
