/** What came of a try: the answer, what the function did and asked for, and what it cost. */
import type { TryReport } from '../../try-types.ts';
import type { PlainCall } from '../plain-call.ts';
import { TimeLine } from '../time-line.tsx';

export interface TryReportProps {
  readonly title: string;
  readonly report: TryReport;
  /** What it is compared with: the last run, or the saved text. */
  readonly other: TryReport | undefined;
  /** Goes to a line of the Lua. */
  onLine(line: number): void;
}

export function TryReportView({ title, report, other, onLine }: TryReportProps) {
  const call = report.record as PlainCall | undefined;
  return (
    <section class="report" aria-label={title}>
      <header>
        <h3>{title}</h3>
        <strong class={`badge ${report.status < 400 ? 'good' : 'bad'}`}>{report.status}</strong>
        {call === undefined ? null : <Figures call={call} />}
      </header>
      {call?.error?.message === undefined ? null : <Mistake error={call.error} onLine={onLine} />}
      <h4>
        Answer <Difference one={report.body} other={other?.body} />
      </h4>
      <pre aria-label="Answer">{readable(report.body)}</pre>
      {call === undefined ? null : (
        <>
          <h4>
            What it did{' '}
            <Difference
              one={stepsOf(call)}
              other={other === undefined ? undefined : stepsOf(other.record as PlainCall | undefined)}
            />
          </h4>
          {(call.hostCalls ?? []).length + (call.log ?? []).length === 0 ? (
            <p class="about">It called nothing of the host and logged nothing.</p>
          ) : (
            <TimeLine call={call} />
          )}
        </>
      )}
      <Requests report={report} />
      <Objects report={report} />
      <details>
        <summary>The event as it arrived</summary>
        {report.sent === undefined ? (
          <p class="about">No request: the handler was called by name with the body as its data.</p>
        ) : (
          <pre>{[`${report.sent.method} ${report.sent.target}`, ...report.sent.headers.map(lineOf)].join('\n')}</pre>
        )}
      </details>
      <details>
        <summary>Headers of the answer</summary>
        <pre>{Object.entries(report.headers).map(lineOf).join('\n')}</pre>
      </details>
      <details>
        <summary>The whole story</summary>
        <pre>{report.story.join('\n')}</pre>
      </details>
    </section>
  );
}

function Figures({ call }: { readonly call: PlainCall }) {
  const { outcome, durationMs, cpuMs, memoryPeakBytes, hostCalls = [] } = call;
  const figures: readonly (readonly [string, string | undefined])[] = [
    ['outcome', outcome],
    ['time', `${durationMs.toFixed(1)} ms`],
    ['CPU', cpuMs === undefined ? undefined : `${cpuMs.toFixed(2)} ms`],
    ['memory', memoryPeakBytes === undefined ? undefined : `${Math.max(1, Math.ceil(memoryPeakBytes / 1024))} KiB`],
    ['host calls', String(hostCalls.length)],
  ];
  return (
    <dl class="figures">
      {figures.map(([name, value]) =>
        value === undefined ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

function Mistake({
  error: { message = '', line },
  onLine,
}: {
  readonly error: NonNullable<PlainCall['error']>;
  onLine(line: number): void;
}) {
  return (
    <p class="error" role="alert">
      {line === undefined ? null : (
        <>
          <button type="button" class="link" onClick={() => onLine(line)}>
            line {line}
          </button>
          {': '}
        </>
      )}
      {message}
    </p>
  );
}

/** Says so where two differ; undefined: there is nothing to compare with. */
function Difference({ one, other }: { readonly one: string; readonly other: string | undefined }) {
  if (other === undefined || one === other) return null;
  return <span class="changed">differs</span>;
}

function Requests({ report: { requests } }: { readonly report: TryReport }) {
  if (requests.length === 0) return null;
  return (
    <>
      <h4>Requests it made</h4>
      <ul class="asked" aria-label="Requests it made">
        {requests.map(({ method, url, headers, body, answeredBy, status }, index) => (
          <li key={index}>
            <details>
              <summary>
                <strong class={`badge ${status === undefined || status >= 400 ? 'bad' : 'good'}`}>
                  {status ?? 'none'}
                </strong>{' '}
                <code>
                  {method} {url}
                </code>{' '}
                <span class="about">
                  {answeredBy === undefined ? 'no answer in the table' : `answer ${answeredBy + 1}`}
                </span>
              </summary>
              <pre>{[...headers.map(lineOf), '', readable(body)].join('\n')}</pre>
            </details>
          </li>
        ))}
      </ul>
    </>
  );
}

function Objects({ report: { kubernetes } }: { readonly report: TryReport }) {
  if (kubernetes.length === 0) return null;
  return (
    <>
      <h4>What it asked of the cluster</h4>
      <ul class="asked" aria-label="What it asked of the cluster">
        {kubernetes.map(({ operation, kind, namespace, name, body, result }, index) => (
          <li key={index}>
            <details>
              <summary>
                <strong class={`badge ${result === 'ok' ? 'good' : 'bad'}`}>{result}</strong>{' '}
                <code>
                  {operation} {kind} {namespace}
                  {name === undefined ? '' : `/${name}`}
                </code>
              </summary>
              <pre>{readable(body ?? '')}</pre>
            </details>
          </li>
        ))}
      </ul>
    </>
  );
}

/** What it did without the times, which are never the same. */
function stepsOf(call: PlainCall | undefined): string {
  const host = (call?.hostCalls ?? []).map(({ name, summary, ok }) => [name, summary, ok]);
  const log = (call?.log ?? []).map(({ level, message }) => [level, message]);
  return JSON.stringify([host, log]);
}

const lineOf = ([name, value]: readonly [string, string]): string => `${name}: ${value}`;

/** JSON with its lines; anything else as it is. */
function readable(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}
