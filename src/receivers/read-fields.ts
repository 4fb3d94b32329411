/** Reads a receiver's own fields from the resource: types checked, unknown names refused, every mistake with its path. */
import { isObject } from '../function/is-object.ts';
import { parsePointer } from './read-json-pointer.ts';
import { parseTolerance } from './timestamp.ts';

export type Fields = Readonly<Record<string, unknown>>;

export interface SecretReference {
  readonly name: string;
  readonly key: string;
}

export interface Mistake {
  readonly path: string;
  readonly message: string;
}

const headerName = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/;

/** One object of fields; mistakes are collected, and each read answers a value that can be worked with. */
export class FieldReader {
  readonly #fields: Fields;
  readonly #path: string;
  readonly mistakes: Mistake[];

  constructor(fields: Fields, path = '', mistakes: Mistake[] = []) {
    this.#fields = fields;
    this.#path = path;
    this.mistakes = mistakes;
  }

  /** Notes a mistake at a field. */
  mistake(name: string, message: string): void {
    this.mistakes.push({ path: this.#pathOf(name), message });
  }

  /** Notes every field that is not in the list; `secretRefs` and `events` belong to all receivers. */
  allowOnly(names: readonly string[]): void {
    const known = this.#path === '' ? [...names, 'secretRefs', 'events'] : names;
    for (const name of Object.keys(this.#fields)) {
      if (!known.includes(name)) {
        this.mistake(
          name,
          names.length === 0 ? 'is not known here' : `is not known here; known are ${names.join(', ')}`,
        );
      }
    }
  }

  has(name: string): boolean {
    return this.#value(name) !== undefined;
  }

  text(
    name: string,
    limits: { readonly max: number; readonly pattern?: RegExp; readonly form?: string },
  ): string | undefined {
    const value = this.#value(name);
    if (value === undefined) return undefined;
    if (typeof value !== 'string') return this.#refuse(name, 'must be text');
    if (value === '' || value.length > limits.max) return this.#refuse(name, `must have 1 to ${limits.max} characters`);
    if (limits.pattern?.test(value) === false)
      return this.#refuse(name, `must be ${limits.form ?? String(limits.pattern)}`);
    return value;
  }

  /** A header name, in lower case. */
  header(name: string): string | undefined {
    return this.text(name, { max: 64, pattern: headerName, form: 'a header name' })?.toLowerCase();
  }

  /** An absolute http or https URL, as typed. */
  url(name: string): string | undefined {
    const value = this.text(name, { max: 2048 });
    if (value === undefined) return undefined;
    return /^https?:\/\/[^\s]+$/.test(value) && URL.canParse(value)
      ? value
      : this.#refuse(name, 'must be a URL such as https://hooks.example.com/team-a/hook');
  }

  pointer(name: string): readonly string[] | undefined {
    const value = this.text(name, { max: 256 });
    if (value === undefined) return undefined;
    const segments = parsePointer(value);
    return segments ?? this.#refuse(name, 'must be a JSON pointer such as /event/id');
  }

  choice<Choice extends string>(name: string, choices: readonly Choice[], fallback: Choice): Choice {
    const value = this.#value(name);
    if (value === undefined) return fallback;
    const found = choices.find((choice) => choice === value);
    if (found === undefined) this.mistake(name, `must be one of ${choices.join(', ')}`);
    return found ?? fallback;
  }

  flag(name: string): boolean {
    const value = this.#value(name);
    if (value === undefined) return false;
    if (typeof value !== 'boolean') this.mistake(name, 'must be true or false');
    return value === true;
  }

  texts(name: string, max: number): readonly string[] | undefined {
    const value = this.#value(name);
    if (value === undefined) return undefined;
    if (
      !Array.isArray(value) ||
      value.length === 0 ||
      !value.every((item) => typeof item === 'string' && item !== '')
    ) {
      return this.#refuse(name, 'must be a list of at least one text');
    }
    return value.length > max ? this.#refuse(name, `must have at most ${max} entries`) : (value as readonly string[]);
  }

  /** A duration of at least a millisecond, in milliseconds. */
  duration(name: string, fallbackMs: number): number {
    const value = this.text(name, { max: 12 });
    if (value === undefined) return fallbackMs;
    const parsed = parseTolerance(value);
    if (parsed === undefined || parsed === 0) {
      this.mistake(name, 'must be a duration above zero such as 5m, 300s or 500ms');
      return fallbackMs;
    }
    return parsed;
  }

  /** A key of a Secret. */
  reference(name: string): SecretReference | undefined {
    const object = this.object(name);
    if (object === undefined) return undefined;
    object.allowOnly(['name', 'key']);
    const secret = object.text('name', { max: 253 });
    const key = object.text('key', { max: 253 });
    if (secret !== undefined && key !== undefined) return { name: secret, key };
    return this.#refuse(name, 'must have name and key');
  }

  /** A list of objects, each with a reader. */
  objects(name: string, max: number): readonly FieldReader[] | undefined {
    const value = this.#value(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || value.length === 0 || value.length > max) {
      return this.#refuse(name, `must be a list of 1 to ${max} objects`);
    }
    return value.map((item: unknown, index) => {
      const usable = isObject(item);
      if (!usable) this.mistake(`${name}[${index}]`, 'must be an object');
      return new FieldReader(usable ? item : {}, this.#pathOf(`${name}[${index}]`), this.mistakes);
    });
  }

  object(name: string): FieldReader | undefined {
    const value = this.#value(name);
    if (value === undefined) return undefined;
    if (!isObject(value)) return this.#refuse(name, 'must be an object');
    return new FieldReader(value, this.#pathOf(name), this.mistakes);
  }

  #value(name: string): unknown {
    return Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
  }

  #pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }

  #refuse(name: string, message: string): undefined {
    this.mistake(name, message);
    return undefined;
  }
}
