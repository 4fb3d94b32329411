/** Who may call an HTTP trigger: the sender, its secrets and its own settings. */
import { useId } from 'preact/hooks';
import type { FormField, SenderRow } from '../../editing-source.ts';
import { items, labelOf, members } from './form-value.ts';
import type { Change } from './field-props.ts';
import { Prose } from './prose.tsx';
import { SchemaField } from './schema-field.tsx';

export interface ReceiverFieldProps {
  readonly field: FormField;
  readonly value: unknown;
  readonly path: readonly (string | number)[];
  readonly senders: readonly SenderRow[];
  /** Of the function: what a new secret is called after. */
  readonly functionName: string;
  readonly onChange: Change;
}

export function ReceiverField({ field, value, path, senders, functionName, onChange }: ReceiverFieldProps) {
  const id = useId();
  const chosen = Object.keys(members(value))[0];
  const sender = senders.find(({ name }) => name === chosen);
  const own = chosen === undefined ? undefined : field.properties?.[chosen];
  const fields = members(members(value)[chosen ?? '']);
  const choose = (name: string): void => {
    const next = senders.find((each) => each.name === name);
    if (next === undefined || name === chosen) return;
    onChange(path, { [name]: firstFields(next, fields, field.properties?.[name], functionName) });
  };
  return (
    <>
      <div class="field">
        <label for={id}>
          Who may call<span class="needed"> required</span>
        </label>
        <select
          id={id}
          value={chosen ?? ''}
          aria-describedby={`${id}-about`}
          onChange={(event) => choose(event.currentTarget.value)}
        >
          {chosen === undefined ? <option value="">choose</option> : null}
          {chosen !== undefined && sender === undefined ? <option value={chosen}>{chosen}</option> : null}
          <optgroup label="General">{senders.filter(({ vendor }) => !vendor).map(optionOf)}</optgroup>
          <optgroup label="Senders">
            {senders
              .filter(({ vendor }) => vendor)
              .toSorted((one, other) => one.title.localeCompare(other.title))
              .map(optionOf)}
          </optgroup>
        </select>
        <p class="about" id={`${id}-about`}>
          {sender === undefined ? field.description : <Prose text={sender.scheme} />}
        </p>
      </div>
      {sender?.secret === undefined ? null : (
        <p class="about secret-help">
          <Prose text={sender.secret} />
        </p>
      )}
      {own === undefined || chosen === undefined
        ? null
        : Object.entries(own.properties ?? {}).map(([name, each]) => (
            <SchemaField
              key={`${chosen} ${name}`}
              name={name}
              field={each}
              value={fields[name]}
              path={[...path, chosen, name]}
              required={own.required?.includes(name) === true}
              label={name === 'secretRefs' ? 'Secrets' : labelOf(name)}
              {...(name === 'events' && sender !== undefined ? { suggestions: [...new Set(sender.events)] } : {})}
              onChange={onChange}
            />
          ))}
    </>
  );
}

function optionOf({ name, title }: SenderRow) {
  return (
    <option key={name} value={name}>
      {title}
    </option>
  );
}

/** A new receiver's fields: what it cannot do without, and the secrets that were there where it takes some. */
function firstFields(
  sender: SenderRow,
  before: Readonly<Record<string, unknown>>,
  field: FormField | undefined,
  functionName: string,
): Readonly<Record<string, unknown>> {
  const kept = items(before['secretRefs']);
  const secretRefs = kept.length > 0 ? kept : [{ name: functionName, key: 'secret' }];
  return {
    ...(field?.required?.includes('secretRefs') === true ? { secretRefs } : {}),
    ...sender.example,
  };
}
