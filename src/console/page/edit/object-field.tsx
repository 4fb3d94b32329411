/** A field with fields of its own: set or not, and its members below it. */
import { useId, useState } from 'preact/hooks';
import type { FormField } from '../../editing-source.ts';
import { asText, labelOf, members } from './form-value.ts';
import type { HolderProps } from './field-props.ts';

export function ObjectField(props: HolderProps) {
  const { name, field, value, path, required, label, onChange } = props;
  const [open, setOpen] = useState(false);
  const there = value !== undefined && value !== null;
  if (field.values !== undefined) return <Pairs {...props} values={field.values} />;
  if (props.flat === true) return <Members {...props} />;
  const title = label ?? labelOf(name);
  const properties = Object.entries(field.properties ?? {});
  // A reference: its parts belong on one line.
  if (properties.length <= 2 && properties.every(([, each]) => each.type === 'string') && required === true) {
    return (
      <fieldset class="field reference">
        <legend>{title}</legend>
        <Members {...props} />
      </fieldset>
    );
  }
  return (
    <details class="field group" open={there || open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {title}
        {there ? <span class="set"> set</span> : null}
      </summary>
      {there || open ? (
        <>
          <p class="about">{field.description}</p>
          <Members {...props} />
        </>
      ) : null}
      {there && required !== true ? (
        <button type="button" class="quiet" onClick={() => onChange(path, undefined)}>
          Remove {title.toLowerCase()}
        </button>
      ) : null}
    </details>
  );
}

function Members({ field, value, path, Field, onChange }: HolderProps) {
  const there = members(value);
  return (
    <>
      {Object.entries(field.properties ?? {}).map(([member, each]) => (
        <Field
          key={member}
          name={member}
          field={each}
          value={there[member]}
          path={[...path, member]}
          required={field.required?.includes(member) === true}
          onChange={onChange}
        />
      ))}
    </>
  );
}

/** Names and values of the user's own: labels. */
function Pairs({ name, field, value, path, label, onChange }: HolderProps & { readonly values: FormField }) {
  const id = useId();
  const there = Object.entries(members(value));
  const title = label ?? labelOf(name);
  const write = (pairs: readonly (readonly [string, unknown])[]): void => {
    onChange(path, pairs.length === 0 ? undefined : Object.fromEntries(pairs));
  };
  return (
    <fieldset class="field rows" aria-describedby={id}>
      <legend>{title}</legend>
      {there.map(([key, each], index) => (
        <div class="row" key={index}>
          <input
            value={key}
            aria-label={`${title} ${index + 1}: name`}
            spellcheck={false}
            onChange={(event) =>
              write(there.map((pair, at) => (at === index ? [event.currentTarget.value, each] : pair)))
            }
          />
          <input
            value={asText(each)}
            aria-label={`${title} ${index + 1}: value`}
            spellcheck={false}
            onInput={(event) => onChange([...path, key], event.currentTarget.value)}
          />
          <button
            type="button"
            class="quiet"
            aria-label={`Remove ${title} ${index + 1}`}
            onClick={() => write(there.filter((_pair, at) => at !== index))}
          >
            ✕
          </button>
        </div>
      ))}
      <button type="button" class="quiet add" onClick={() => write([...there, [`name-${there.length + 1}`, '']])}>
        Add
      </button>
      <p class="about" id={id}>
        {field.description}
      </p>
    </fieldset>
  );
}
