/** Secrets of a try: placeholders in the form of the sender, unless a value is typed in. */
import { useId } from 'preact/hooks';

export interface SecretRowsProps {
  /** `NAME.KEY` of each that the function names. */
  readonly names: readonly string[];
  readonly values: Readonly<Record<string, string>>;
  onChange(values: Readonly<Record<string, string>>): void;
}

export function SecretRows({ names, values, onChange }: SecretRowsProps) {
  const id = useId();
  if (names.length === 0) return <p class="about">The function names no Secret.</p>;
  return (
    <div class="secret-rows">
      <p class="about">
        Each gets a random placeholder for each try. A value typed in here is used instead; it is not kept anywhere.
      </p>
      {names.map((name, index) => (
        <div class="row" key={name}>
          <label for={`${id}-${index}`}>
            <code>{name}</code>
          </label>
          <input
            id={`${id}-${index}`}
            type="password"
            autocomplete="off"
            placeholder="placeholder"
            value={values[name] ?? ''}
            onInput={(event) => onChange({ ...values, [name]: event.currentTarget.value })}
          />
        </div>
      ))}
    </div>
  );
}
