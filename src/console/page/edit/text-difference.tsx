/** The lines in which two texts differ: theirs marked −, mine marked +. */
import { lineDifference } from './line-difference.ts';

export interface TextDifferenceProps {
  readonly label: string;
  readonly theirs: string;
  readonly mine: string;
}

export function TextDifference({ label, theirs, mine }: TextDifferenceProps) {
  return (
    <pre aria-label={label} tabIndex={0}>
      {lineDifference(theirs, mine).map(({ sign, text }, index) => (
        <span key={index} class={sign === '+' ? 'added' : sign === '-' ? 'removed' : ''}>
          {sign === '-' ? '−' : sign} {text}
          {'\n'}
        </span>
      ))}
    </pre>
  );
}
