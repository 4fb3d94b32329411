/** What local mode tells about files: one line each, with its place, as compilers print them. */
import { compareTexts } from '../function/compare-texts.ts';

export type Severity = 'error' | 'warning' | 'note';

/** A remark about one place in one file. Never holds a secret. */
export interface Diagnostic {
  readonly severity: Severity;
  /** Relative to the folder (or as given on the command line), with forward slashes. */
  readonly file: string;
  /** Line and column count from 1. */
  readonly line?: number;
  readonly column?: number;
  /** The field it is about, where it is not obvious from the place: `spec.triggers[0].http`. */
  readonly path?: string;
  readonly message: string;
  /** What to do: `did you mean "http"?`. */
  readonly hint?: string;
}

/** `hooks.yaml:12:7: error: unknown field "recevier" (did you mean "receiver"?)`. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { file, line, column, severity, path, message, hint } = diagnostic;
  const place = [file, line, line === undefined ? undefined : column].filter((part) => part !== undefined).join(':');
  const field = path === undefined || path === '' ? '' : `${path}: `;
  return `${place}: ${severity}: ${field}${message}${hint === undefined ? '' : ` (${hint})`}`;
}

/** Sorted for reading: by file, then line, then column; the order of equals is kept. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return diagnostics.toSorted(
    (a, b) => compareTexts(a.file, b.file) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
}
