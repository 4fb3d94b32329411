/** Somebody else changed what is being edited: the difference, and the choice between both. */
import { useEffect, useRef } from 'preact/hooks';
import type { Draft, FunctionText } from '../../console-source.ts';
import { TextDifference } from './text-difference.tsx';

export interface ConflictDialogProps {
  readonly theirs: FunctionText;
  readonly mine: Draft;
  onSettle(own: boolean): void;
}

export function ConflictDialog({ theirs, mine, onSettle }: ConflictDialogProps) {
  const first = useRef<HTMLButtonElement>(null);
  useEffect(() => first.current?.focus(), []);
  const texts = [
    ...(theirs.lua === undefined ? [] : [[theirs.lua.place, theirs.lua.text, mine.lua ?? ''] as const]),
    [theirs.place, theirs.yaml, mine.yaml] as const,
  ].filter(([, one, other]) => one !== other);
  return (
    <div role="alertdialog" aria-label="Conflict" aria-describedby="conflict-about" class="conflict">
      <p id="conflict-about">
        Somebody changed {theirs.place} since you began. Nothing was written. Theirs is marked −, yours is marked +.
      </p>
      {texts.map(([place, one, other]) => (
        <div key={place}>
          <h3>{place}</h3>
          <TextDifference label={`Difference of ${place}`} theirs={one} mine={other} />
        </div>
      ))}
      <div class="choices">
        <button type="button" ref={first} onClick={() => onSettle(true)}>
          Keep mine, and save over it next
        </button>
        <button type="button" onClick={() => onSettle(false)}>
          Take theirs
        </button>
      </div>
    </div>
  );
}
