/** A label, its input, and what is said of it. */
import type { ComponentChildren } from 'preact';

/** The label above, the input, what the field is for and what is wrong with it below. */
export function Labelled(props: {
  readonly id: string;
  readonly label: string;
  readonly required?: boolean;
  readonly description: string;
  readonly mistake?: string | undefined;
  readonly children: ComponentChildren;
}) {
  const { id, label, required = false, description, mistake, children } = props;
  return (
    <div class={mistake === undefined ? 'field' : 'field wrong'}>
      <label for={id}>
        {label}
        {required ? <span class="needed"> required</span> : null}
      </label>
      {children}
      <p class="about" id={`${id}-about`}>
        {mistake ?? description}
      </p>
    </div>
  );
}
