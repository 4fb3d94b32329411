/** How a try ended: the report of the draft, beside that of what is saved where both ran. */
import type { TryReport } from '../../try-types.ts';
import { TryReportView } from './try-report.tsx';

export interface Outcome {
  readonly draft: TryReport;
  /** Of what is saved, where it was run beside it. */
  readonly saved?: TryReport;
  readonly savedRefused?: string;
}

export interface TryOutcomeProps {
  /** Absent: nothing was tried yet. */
  readonly outcome: Outcome | undefined;
  /** Of the draft before. */
  readonly last: TryReport | undefined;
  onLine(line: number): void;
}

export function TryOutcome({ outcome, last, onLine }: TryOutcomeProps) {
  if (outcome === undefined) {
    return (
      <p class="about">
        Runs what is in the editors, saved or not, beside everything live: own store, placeholders for secrets, nothing
        sent. <kbd>Ctrl</kbd>+<kbd>Enter</kbd>
      </p>
    );
  }
  const { draft, saved, savedRefused } = outcome;
  return (
    <div class={saved === undefined ? 'reports' : 'reports two'}>
      {savedRefused === undefined ? null : <p class="error">The saved text: {savedRefused}</p>}
      {saved === undefined ? null : <TryReportView title="Saved" report={saved} other={draft} onLine={onLine} />}
      <TryReportView title="Draft" report={draft} other={saved ?? last} onLine={onLine} />
    </div>
  );
}
