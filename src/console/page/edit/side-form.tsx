/** The form beside the YAML: it shows what the text says, and writes into the text what is chosen in it. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { FormKit } from '../../editing-source.ts';
import { changeYaml } from './change-yaml.ts';
import { editApi } from './edit-api.ts';
import { findFunction } from './find-function.ts';
import { members } from './form-value.ts';
import type { Change } from './field-props.ts';
import { SchemaField } from './schema-field.tsx';
import { TriggerList } from './trigger-list.tsx';
import { useRested } from './use-rested.ts';
import './edit.css';

/** Of `spec`, besides the triggers, as sections; the code has editors of its own. */
const sections: readonly (readonly [title: string, fields: readonly string[]])[] = [
  ['Limits', ['limits']],
  ['Environment', ['env', 'envFrom']],
  ['Rights and reach', ['serviceAccountName', 'egress', 'callback']],
  ['Running', ['suspend', 'retry', 'class']],
];

export interface SideFormProps {
  readonly namespace: string;
  readonly name: string;
  readonly yaml: string;
  /** Somebody types elsewhere: the form follows when that rests. */
  readonly typing: boolean;
  onChange(yaml: string): void;
}

export function SideForm({ namespace, name, yaml, typing, onChange }: SideFormProps) {
  const [kit, setKit] = useState<FormKit>();
  const [failure, setFailure] = useState('');
  useEffect(() => {
    editApi.form().then(setKit, (error: Error) => setFailure(error.message));
  }, []);
  const rested = useRested(yaml, typing);
  const spec = useMemo(() => {
    const found = findFunction(rested, { namespace, name });
    return found === undefined ? undefined : members(members(found.document.toJS())['spec']);
  }, [rested, namespace, name]);
  // What is chosen goes into the text of now, whatever is shown.
  const latest = useRef({ yaml, onChange });
  latest.current = { yaml, onChange };
  const change: Change = (path, value) => {
    latest.current.onChange(changeYaml(latest.current.yaml, { namespace, name }, path, value));
  };
  const form = useMemo(
    () =>
      kit === undefined || spec === undefined ? undefined : (
        <Sections kit={kit} spec={spec} name={name} onChange={change} />
      ),
    [kit, spec, namespace, name],
  );
  if (kit === undefined) return <p class="about">{failure}</p>;
  if (form === undefined) {
    return (
      <div class="side-form">
        <p class="about">
          The text is not YAML that holds {namespace}/{name}: the form comes back when its mistakes are mended.
        </p>
      </div>
    );
  }
  return form;
}

interface SectionsProps {
  readonly kit: FormKit;
  readonly spec: Readonly<Record<string, unknown>>;
  /** Of the function. */
  readonly name: string;
  readonly onChange: Change;
}

function Sections({ kit, spec, name, onChange }: SectionsProps) {
  const triggers = kit.spec.properties?.['triggers'];
  return (
    <div class="side-form">
      {triggers === undefined ? null : (
        <TriggerList field={triggers} value={spec['triggers']} kit={kit} functionName={name} onChange={onChange} />
      )}
      {sections.map(([title, fields]) => (
        <details class="section" key={title} open={fields.some((field) => spec[field] !== undefined)}>
          <summary>
            <h3>{title}</h3>
          </summary>
          {fields.map((field) => {
            const each = kit.spec.properties?.[field];
            return each === undefined ? null : (
              <SchemaField
                key={field}
                name={field}
                field={each}
                value={spec[field]}
                path={['spec', field]}
                label={labels[field] ?? ''}
                flat={fields.length === 1}
                onChange={onChange}
              />
            );
          })}
        </details>
      ))}
    </div>
  );
}

const labels: Readonly<Record<string, string>> = {
  env: 'Values',
  envFrom: 'All keys of',
  serviceAccountName: 'Service account',
  egress: 'Where it may send requests',
  callback: 'Callbacks',
  suspend: 'Suspended',
  retry: 'Retries',
  class: 'Class',
};
