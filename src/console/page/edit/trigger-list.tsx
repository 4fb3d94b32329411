/** The triggers of a function: each a card that opens, and new ones. */
import { useState } from 'preact/hooks';
import type { FormField, FormKit } from '../../editing-source.ts';
import { asText, freeName, items, members } from './form-value.ts';
import type { Change } from './field-props.ts';
import { SchemaField } from './schema-field.tsx';
import { TriggerFields, triggerKinds, type TriggerKind } from './trigger-fields.tsx';

const kindWords: Readonly<Record<TriggerKind, string>> = {
  http: 'HTTP request',
  schedule: 'Schedule',
  event: 'Published event',
  kubernetes: 'Kubernetes change',
};

export interface TriggerListProps {
  /** Schema of `spec.triggers`. */
  readonly field: FormField;
  readonly value: unknown;
  readonly kit: FormKit;
  readonly functionName: string;
  readonly onChange: Change;
}

const path = ['spec', 'triggers'] as const;

export function TriggerList({ field, value, kit, functionName, onChange }: TriggerListProps) {
  const triggers = items(value).map(members);
  const [closed, setClosed] = useState<ReadonlySet<number>>(new Set());
  const item = field.items;
  if (item === undefined) return null;
  const add = (kind: TriggerKind): void => {
    const names = triggers.map(({ name }) => asText(name));
    const name = freeName(kind === 'http' ? 'web' : kind, names);
    onChange([...path, triggers.length], { name, [kind]: firstOf(kind, functionName, name) });
  };
  const toggle = (index: number, open: boolean): void => {
    const next = new Set(closed);
    if (open) next.delete(index);
    else next.add(index);
    setClosed(next);
  };
  return (
    <section aria-label="Triggers" class="triggers">
      <h3>Triggers</h3>
      {triggers.length === 0 ? (
        <p class="about">None yet: it runs only when it is called by name. What shall make it run?</p>
      ) : null}
      {triggers.map((trigger, index) => {
        const kind = triggerKinds.find((each) => trigger[each] !== undefined);
        const name = asText(trigger['name']);
        const nameField = item.properties?.['name'];
        return (
          <details
            class="card"
            key={index}
            open={!closed.has(index)}
            onToggle={(event) => toggle(index, event.currentTarget.open)}
          >
            <summary>
              <span class={`kind kind-${kind ?? 'none'}`}>{kind ?? '?'}</span>
              <strong>{name}</strong>
              <span class="about">{kind === undefined ? '' : summaryOf(kind, members(trigger[kind]))}</span>
            </summary>
            {nameField === undefined ? null : (
              <SchemaField
                name="name"
                field={nameField}
                value={trigger['name']}
                path={[...path, index, 'name']}
                required
                onChange={onChange}
              />
            )}
            {kind === undefined ? (
              <p class="about">This trigger has no kind that is known: mend it in the YAML.</p>
            ) : (
              <TriggerFields
                kind={kind}
                field={item}
                trigger={trigger}
                path={[...path, index]}
                kit={kit}
                functionName={functionName}
                onChange={onChange}
              />
            )}
            <button
              type="button"
              class="quiet remove"
              onClick={() => onChange(triggers.length === 1 ? path : [...path, index], undefined)}
            >
              Remove trigger {name}
            </button>
          </details>
        );
      })}
      <div class="add-trigger" role="group" aria-label="Add a trigger">
        <span class="about">Add</span>
        {triggerKinds.map((kind) => (
          <button type="button" class="quiet" key={kind} onClick={() => add(kind)}>
            {kindWords[kind]}
          </button>
        ))}
      </div>
    </section>
  );
}

/** A trigger to go on from: it is accepted as it is, or says at its fields what is missing. */
function firstOf(kind: TriggerKind, functionName: string, name: string): unknown {
  if (kind === 'http') {
    const path = name === 'web' ? functionName : `${functionName}/${name}`;
    return { path, receiver: { bearer: { secretRefs: [{ name: functionName, key: 'token' }] } } };
  }
  if (kind === 'schedule') return { cron: '0 3 * * *', timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone };
  if (kind === 'event') return { type: 'com.example.order.*' };
  return { apiVersion: 'v1', kind: 'Pod', events: ['Added', 'Modified'] };
}

/** One line that tells triggers apart while their cards are closed. */
function summaryOf(kind: TriggerKind, value: Readonly<Record<string, unknown>>): string {
  if (kind === 'http') {
    const [receiver = ''] = Object.keys(members(value['receiver']));
    const routes = items(value['routes']).map((route) => asText(members(route)['path']));
    return [asText(value['path']) || routes.join(', '), receiver].filter((part) => part !== '').join(' · ');
  }
  if (kind === 'schedule') return [value['cron'], value['timeZone'] ?? 'UTC'].map(asText).join(' · ');
  if (kind === 'event') return asText(value['type']);
  return [value['apiVersion'], value['kind']].map(asText).join(' ');
}
