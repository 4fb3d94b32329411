/** A field that holds several values: words to tick, or rows that are added and removed. */
import { useId } from 'preact/hooks';
import type { FormField } from '../../editing-source.ts';
import { asText, items, labelOf } from './form-value.ts';
import type { HolderProps } from './field-props.ts';

export function ListField(props: HolderProps) {
  const item = props.field.items;
  if (item === undefined) return null;
  return item.choices === undefined ? <Rows {...props} item={item} /> : <Ticks {...props} choices={item.choices} />;
}

function Ticks({
  name,
  field,
  value,
  path,
  label,
  choices,
  onChange,
}: HolderProps & { readonly choices: readonly string[] }) {
  const chosen = items(value).map(asText);
  const toggle = (word: string, on: boolean): void => {
    const next = choices.filter((each) => (each === word ? on : chosen.includes(each)));
    onChange(path, next.length === 0 ? undefined : next);
  };
  return (
    <fieldset class="field ticks">
      <legend>{label ?? labelOf(name)}</legend>
      {choices.map((word) => (
        <label key={word}>
          <input
            type="checkbox"
            checked={chosen.includes(word)}
            onChange={(event) => toggle(word, event.currentTarget.checked)}
          />
          {word}
        </label>
      ))}
      <p class="about">{field.description}</p>
    </fieldset>
  );
}

function Rows({
  name,
  field,
  value,
  path,
  label,
  required,
  suggestions,
  item,
  Field,
  onChange,
}: HolderProps & { readonly item: FormField }) {
  const list = useId();
  const rows = items(value);
  const title = label ?? labelOf(name);
  const remove = (index: number): void => {
    // An empty list may mean something else than none.
    onChange(rows.length === 1 && required !== true ? path : [...path, index], undefined);
  };
  return (
    <fieldset class="field rows">
      <legend>
        {title}
        {required === true ? <span class="needed"> required</span> : null}
      </legend>
      {rows.map((row, index) => (
        <div class="row" key={index}>
          {item.type === 'object' ? (
            Object.entries(item.properties ?? {}).map(([member, each]) => (
              <Field
                key={member}
                name={member}
                field={each}
                value={(row as Record<string, unknown> | null)?.[member]}
                path={[...path, index, member]}
                required={item.required?.includes(member) === true}
                onChange={onChange}
              />
            ))
          ) : (
            <input
              value={asText(row)}
              aria-label={`${title} ${index + 1}`}
              list={suggestions === undefined ? undefined : list}
              spellcheck={false}
              autocomplete="off"
              onInput={(event) => onChange([...path, index], event.currentTarget.value)}
            />
          )}
          <button type="button" class="quiet" aria-label={`Remove ${title} ${index + 1}`} onClick={() => remove(index)}>
            ✕
          </button>
        </div>
      ))}
      {suggestions === undefined ? null : (
        <datalist id={list}>
          {suggestions.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      )}
      <button type="button" class="quiet add" onClick={() => onChange([...path, rows.length], emptyOf(item))}>
        Add
      </button>
      <p class="about">{field.description}</p>
    </fieldset>
  );
}

/** A row to be filled in: members that it must have are there. */
function emptyOf(item: FormField): unknown {
  if (item.type !== 'object') return '';
  return Object.fromEntries((item.required ?? []).map((member) => [member, '']));
}
