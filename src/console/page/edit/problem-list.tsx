/** What is wrong with the draft, each at its line and column; chosen, it leads there. */
import type { FunctionText, Remark } from '../../console-source.ts';

export interface ProblemListProps {
  readonly remarks: readonly Remark[];
  readonly saved: FunctionText;
  onGo(remark: Remark): void;
}

export function ProblemList({ remarks, saved, onGo }: ProblemListProps) {
  const errors = remarks.filter(({ severity }) => severity === 'error').length;
  return (
    <section aria-label="Problems" class="problems">
      <div role="status">
        <h2>{errors === 0 ? 'No errors' : `${errors} ${errors === 1 ? 'error' : 'errors'}`}</h2>
      </div>
      <ul>
        {remarks.map((remark, index) => {
          const place = placeOf(remark, saved);
          return (
            <li class={remark.severity} key={index}>
              {remark.line === undefined ? (
                place
              ) : (
                <button type="button" class="link" onClick={() => onGo(remark)}>
                  {place}
                </button>
              )}
              : {remark.message}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function placeOf({ text, line, column }: Remark, saved: FunctionText): string {
  const file = (text === 'lua' ? saved.lua?.place : undefined) ?? saved.place;
  return [file, line, column].filter((part) => part !== undefined).join(':');
}
