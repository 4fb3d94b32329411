/** What every field of the form is given. */
import type { ComponentType } from 'preact';
import type { FormField } from '../../editing-source.ts';

/** Changes a value of the text; undefined removes it. */
export type Change = (path: readonly (string | number)[], value: unknown) => void;

export interface FieldProps {
  readonly name: string;
  readonly field: FormField;
  readonly value: unknown;
  readonly path: readonly (string | number)[];
  readonly required?: boolean;
  readonly label?: string;
  readonly placeholder?: string;
  /** Values to choose from where others may be typed, too. */
  readonly suggestions?: readonly string[];
  /** An object: its members without a frame of their own. */
  readonly flat?: boolean;
  readonly onChange: Change;
}

/** Of fields that hold fields: what draws those. */
export interface HolderProps extends FieldProps {
  readonly Field: ComponentType<FieldProps>;
}
