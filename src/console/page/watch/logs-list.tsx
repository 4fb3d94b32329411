/** What a function wrote to its log, newest call first, with the filter of the reader. */
import { useState } from 'preact/hooks';
import { formatClock } from './format.ts';
import { useFresh } from './use-fresh.ts';
import { watchApi } from './watch-api.ts';

const levels = ['debug', 'info', 'warn', 'error'] as const;

export interface LogsListProps {
  readonly namespace: string;
  readonly name: string;
  readonly version: number;
}

export function LogsList({ namespace, name, version }: LogsListProps) {
  const [find, setFind] = useState('');
  const [level, setLevel] = useState<string>('debug');
  const [paused, setPaused] = useState(false);
  const { value, failure } = useFresh(
    (signal) => watchApi.logs(namespace, name, signal),
    `${namespace}/${name}`,
    paused ? -1 : version,
  );
  const now = Date.now();
  const wanted = levels.indexOf(level as (typeof levels)[number]);
  const shown = (value ?? []).filter(
    (line) => levels.indexOf(line.level as (typeof levels)[number]) >= wanted && line.text.includes(find),
  );
  return (
    <div class="fill">
      <div class="filters">
        <label>
          Find
          <input type="search" value={find} onInput={(event) => setFind(event.currentTarget.value)} />
        </label>
        <label>
          From level
          <select value={level} onChange={(event) => setLevel(event.currentTarget.value)}>
            {levels.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        <button type="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>
          {paused ? 'Held still' : 'Following'}
        </button>
      </div>
      {failure === undefined ? null : <p class="error">{failure.message}</p>}
      {shown.length === 0 && value !== undefined ? <p class="hint">Nothing was written.</p> : null}
      <ol class="log-lines" aria-label="Log" tabIndex={0}>
        {shown.map((line, index) => (
          <li key={index} class={`level-${line.level}`}>
            <time>{formatClock(line.at, now)}</time> <b>{line.level}</b> {line.text}
          </li>
        ))}
      </ol>
    </div>
  );
}
