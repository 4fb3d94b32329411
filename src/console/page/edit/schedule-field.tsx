/** A schedule: its expression, its time zone, and when it would fire next. */
import { useEffect, useId, useState } from 'preact/hooks';
import type { FormField, UpcomingTimes } from '../../editing-source.ts';
import { editApi } from './edit-api.ts';
import { asText, members } from './form-value.ts';
import type { Change } from './field-props.ts';
import { SchemaField } from './schema-field.tsx';

const restMs = 200;

const usual: readonly (readonly [cron: string, words: string])[] = [
  ['*/5 * * * *', 'every 5 minutes'],
  ['@hourly', 'every hour'],
  ['0 3 * * *', 'every day at 03:00'],
  ['0 9 * * 1-5', 'Monday to Friday at 09:00'],
  ['0 6 * * 1', 'Mondays at 06:00'],
  ['0 0 1 * *', 'the first of the month'],
];

export interface ScheduleFieldProps {
  readonly field: FormField;
  readonly value: unknown;
  readonly path: readonly (string | number)[];
  readonly timeZones: readonly string[];
  readonly onChange: Change;
}

export function ScheduleField({ field, value, path, timeZones, onChange }: ScheduleFieldProps) {
  const usualId = useId();
  const { cron: cronField, timeZone: zoneField } = field.properties ?? {};
  const there = members(value);
  const cron = asText(there['cron']);
  const timeZone = asText(there['timeZone']) || 'UTC';
  return (
    <>
      <div class="field">
        <label for={usualId}>Usual times</label>
        <select
          id={usualId}
          value={usual.some(([each]) => each === cron) ? cron : ''}
          onChange={(event) => {
            if (event.currentTarget.value !== '') onChange([...path, 'cron'], event.currentTarget.value);
          }}
        >
          <option value="">other</option>
          {usual.map(([each, words]) => (
            <option key={each} value={each}>
              {words}
            </option>
          ))}
        </select>
      </div>
      {cronField === undefined ? null : (
        <SchemaField name="cron" field={cronField} value={cron} path={[...path, 'cron']} required onChange={onChange} />
      )}
      {zoneField === undefined ? null : (
        <SchemaField
          name="timeZone"
          field={zoneField}
          value={there['timeZone']}
          path={[...path, 'timeZone']}
          placeholder="UTC"
          suggestions={timeZones}
          onChange={onChange}
        />
      )}
      <NextTimes cron={cron} timeZone={timeZone} />
    </>
  );
}

function NextTimes({ cron, timeZone }: { readonly cron: string; readonly timeZone: string }) {
  const [upcoming, setUpcoming] = useState<UpcomingTimes>();
  useEffect(() => {
    if (cron === '') return undefined;
    const leaving = new AbortController();
    const timer = setTimeout(() => {
      // The page says above that nobody answers.
      editApi.times(cron, timeZone, leaving.signal).then(setUpcoming, () => {});
    }, restMs);
    return () => {
      clearTimeout(timer);
      leaving.abort();
    };
  }, [cron, timeZone]);
  if (upcoming === undefined) return null;
  if (!upcoming.ok) return <p class="about wrong-words">{upcoming.message}</p>;
  return (
    <div class="next-times">
      <h4>Next times</h4>
      <ol aria-label="Next times">
        {upcoming.times.map(({ at, local }) => (
          <li key={at}>
            <time dateTime={new Date(at).toISOString()}>{local}</time>
          </li>
        ))}
      </ol>
    </div>
  );
}
