/** One field of the resource as an input, by its schema. */
import { useId, useState } from 'preact/hooks';
import type { FormField } from '../../editing-source.ts';
import { asText, labelOf } from './form-value.ts';
import type { FieldProps } from './field-props.ts';
import { Labelled } from './labelled.tsx';
import { ListField } from './list-field.tsx';
import { ObjectField } from './object-field.tsx';

/** Expressions and code: more than a word. */
const longText = 1_000;

export function SchemaField(props: FieldProps) {
  const { field } = props;
  if (field.type === 'object') return <ObjectField {...props} Field={SchemaField} />;
  if (field.type === 'array') return <ListField {...props} Field={SchemaField} />;
  if (field.type === 'boolean') return <FlagField {...props} />;
  if (field.type === 'any') return <JsonField {...props} />;
  if (field.choices !== undefined) return <ChoiceField {...props} choices={field.choices} />;
  return <TextField {...props} />;
}

function TextField({ name, field, value, path, required, label, placeholder, suggestions, onChange }: FieldProps) {
  const id = useId();
  const numeric = field.type === 'integer' || field.type === 'number';
  // What is typed and is no number yet stays in the input alone.
  const [typed, setTyped] = useState<string>();
  const text = typed ?? asText(value);
  const mistake = mistakeOf(text, field, required === true && value !== undefined);
  const tell = (next: string): void => {
    setTyped(undefined);
    if (next === '') onChange(path, undefined);
    else if (numeric && !/^-?\d+$/.test(next)) setTyped(next);
    else onChange(path, numeric || (field.type === 'size' && /^\d+$/.test(next)) ? Number(next) : next);
  };
  const common = {
    id,
    value: text,
    'aria-describedby': `${id}-about`,
    'aria-invalid': mistake !== undefined,
    spellcheck: false,
    autocomplete: 'off',
    placeholder: placeholder ?? '',
  } as const;
  const long = (field.maxLength ?? 0) > longText && !numeric;
  return (
    <Labelled
      id={id}
      label={label ?? labelOf(name)}
      required={required === true}
      description={field.description}
      mistake={mistake}
    >
      {long ? (
        <textarea
          {...common}
          rows={Math.min(8, text.split('\n').length)}
          onInput={(event) => tell(event.currentTarget.value)}
        />
      ) : (
        <input
          {...common}
          inputMode={numeric ? 'numeric' : 'text'}
          list={suggestions === undefined ? undefined : `${id}-list`}
          onInput={(event) => tell(event.currentTarget.value)}
        />
      )}
      {suggestions === undefined ? null : (
        <datalist id={`${id}-list`}>
          {suggestions.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      )}
    </Labelled>
  );
}

function mistakeOf(text: string, field: FormField, required: boolean): string | undefined {
  if (text === '') return required ? 'This is required.' : undefined;
  if (field.type === 'integer' || field.type === 'number') {
    const { minimum = -Infinity, maximum = Infinity } = field;
    const number = Number(text);
    if (/^-?\d+$/.test(text) && number >= minimum && number <= maximum) return undefined;
    return `A whole number from ${minimum} to ${maximum} is expected.`;
  }
  if (field.pattern === undefined || (field.type === 'size' && /^[1-9]\d*$/.test(text))) return undefined;
  return new RegExp(field.pattern, 'u').test(text) ? undefined : `Expected: ${field.expected ?? field.pattern}.`;
}

function ChoiceField({
  name,
  field,
  value,
  path,
  required,
  label,
  choices,
  onChange,
}: FieldProps & { readonly choices: readonly string[] }) {
  const id = useId();
  const text = asText(value);
  const known = text === '' || choices.includes(text);
  return (
    <Labelled
      id={id}
      label={label ?? labelOf(name)}
      required={required === true}
      description={field.description}
      mistake={known ? undefined : `"${text}" is none of ${choices.join(', ')}.`}
    >
      <select
        id={id}
        value={text}
        aria-describedby={`${id}-about`}
        onChange={(event) => onChange(path, event.currentTarget.value === '' ? undefined : event.currentTarget.value)}
      >
        {required === true && text !== '' ? null : <option value="">default</option>}
        {known ? null : <option value={text}>{text}</option>}
        {choices.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </Labelled>
  );
}

function FlagField({ name, field, value, path, label, onChange }: FieldProps) {
  const id = useId();
  return (
    <div class="field flag">
      <label for={id}>
        <input
          id={id}
          type="checkbox"
          checked={value === true}
          aria-describedby={`${id}-about`}
          onChange={(event) => onChange(path, event.currentTarget.checked ? true : undefined)}
        />
        {label ?? labelOf(name)}
      </label>
      <p class="about" id={`${id}-about`}>
        {field.description}
      </p>
    </div>
  );
}

/** Data of any form: as JSON, written to the text when it is some. */
function JsonField({ name, field, value, path, label, onChange }: FieldProps) {
  const id = useId();
  const [typed, setTyped] = useState<string>();
  const text = typed ?? (value === undefined ? '' : JSON.stringify(value, undefined, 2));
  const [mistake, setMistake] = useState<string>();
  const tell = (next: string): void => {
    setTyped(next);
    if (next.trim() === '') {
      setMistake(undefined);
      onChange(path, undefined);
      return;
    }
    try {
      const read = JSON.parse(next) as unknown;
      setMistake(undefined);
      onChange(path, read);
    } catch (error) {
      setMistake(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <Labelled id={id} label={`${label ?? labelOf(name)} (JSON)`} description={field.description} mistake={mistake}>
      <textarea
        id={id}
        rows={Math.min(8, Math.max(2, text.split('\n').length))}
        value={text}
        spellcheck={false}
        aria-describedby={`${id}-about`}
        aria-invalid={mistake !== undefined}
        onInput={(event) => tell(event.currentTarget.value)}
        onBlur={() => {
          if (mistake === undefined) setTyped(undefined);
        }}
      />
    </Labelled>
  );
}
