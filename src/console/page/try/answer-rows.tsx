/** The table that answers what the function sends: the first row that fits a request is its answer. */
import type { TryAnswer } from '../../try-types.ts';
import { PairRows } from './pair-rows.tsx';

const methods = ['', 'GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'];
const fresh: TryAnswer = {
  method: '',
  url: 'https://api.example.com/*',
  status: 200,
  headers: [['content-type', 'application/json']],
  body: '{}',
};

export interface AnswerRowsProps {
  readonly answers: readonly TryAnswer[];
  /** True: requests are sent for real, and the table is not asked. */
  readonly live: boolean;
  onLive(live: boolean): void;
  onChange(answers: readonly TryAnswer[]): void;
}

export function AnswerRows({ answers, live, onLive, onChange }: AnswerRowsProps) {
  const set = (index: number, part: Partial<TryAnswer>): void => {
    onChange(answers.map((each, at) => (at === index ? { ...each, ...part } : each)));
  };
  return (
    <div class="answer-rows">
      <label class="check">
        <input type="checkbox" checked={live} onChange={(event) => onLive(event.currentTarget.checked)} />
        send real requests instead
      </label>
      <p class="about">
        {live
          ? 'Requests leave this machine, within what the function and the installation allow.'
          : 'Nothing leaves this machine. The first row that fits a request answers it; * stands for any characters. A request without a row fails.'}
      </p>
      {(live ? [] : answers).map(({ method, url, status, headers, body }, index) => (
        <fieldset key={index}>
          <legend>Answer {index + 1}</legend>
          <div class="row">
            <select
              value={method}
              aria-label={`Method ${index + 1}`}
              onChange={(event) => set(index, { method: event.currentTarget.value })}
            >
              {methods.map((each) => (
                <option key={each} value={each}>
                  {each === '' ? 'any' : each}
                </option>
              ))}
            </select>
            <input
              class="wide"
              value={url}
              aria-label={`URL ${index + 1}`}
              spellcheck={false}
              onInput={(event) => set(index, { url: event.currentTarget.value })}
            />
            <input
              class="status"
              inputMode="numeric"
              value={String(status)}
              aria-label={`Status ${index + 1}`}
              onChange={(event) => {
                const next = Number(event.currentTarget.value);
                if (Number.isInteger(next) && next >= 100 && next <= 599) set(index, { status: next });
                else event.currentTarget.value = String(status);
              }}
            />
            <button
              type="button"
              class="quiet"
              aria-label={`Remove answer ${index + 1}`}
              onClick={() => onChange(answers.filter((_each, at) => at !== index))}
            >
              ✕
            </button>
          </div>
          <textarea
            rows={Math.min(8, Math.max(2, body.split('\n').length))}
            value={body}
            aria-label={`Body ${index + 1}`}
            spellcheck={false}
            onInput={(event) => set(index, { body: event.currentTarget.value })}
          />
          <details>
            <summary>Headers{headers.length === 0 ? '' : ` (${headers.length})`}</summary>
            <PairRows
              word={`Answer ${index + 1} header`}
              pairs={headers}
              onChange={(next) => set(index, { headers: next })}
            />
          </details>
        </fieldset>
      ))}
      {live ? null : (
        <button type="button" class="quiet" onClick={() => onChange([...answers, fresh])}>
          Add answer
        </button>
      )}
    </div>
  );
}
