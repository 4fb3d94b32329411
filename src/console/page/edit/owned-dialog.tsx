/** Fields that others look after in the cluster: whose they are, the difference, and the choice to take them over. */
import { useEffect, useRef } from 'preact/hooks';
import type { OwnedField } from '../../console-source.ts';
import { TextDifference } from './text-difference.tsx';

export interface OwnedDialogProps {
  readonly fields: readonly OwnedField[];
  onSettle(takeOver: boolean): void;
}

export function OwnedDialog({ fields, onSettle }: OwnedDialogProps) {
  const first = useRef<HTMLButtonElement>(null);
  useEffect(() => first.current?.focus(), []);
  const owners = [...new Set(fields.flatMap((each) => each.owners))].join(', ');
  return (
    <div role="alertdialog" aria-label="Fields of others" aria-describedby="owned-about" class="conflict">
      <p id="owned-about">
        {owners} {fields.length === 1 ? 'looks after a field' : 'look after fields'} that you changed. Nothing was
        written. Taken over, it is yours: whoever looked after it may refuse to write it, or set it back. Theirs is
        marked −, yours is marked +.
      </p>
      {fields.map((each) => (
        <div key={each.field}>
          <h3>
            <code>{each.field}</code> belongs to {each.owners.join(', ')}
          </h3>
          <TextDifference label={`Difference of ${each.field}`} theirs={each.theirs} mine={each.mine} />
        </div>
      ))}
      <div class="choices">
        <button type="button" ref={first} onClick={() => onSettle(false)}>
          Leave it to them
        </button>
        <button type="button" onClick={() => onSettle(true)}>
          Take over and save
        </button>
      </div>
    </div>
  );
}
