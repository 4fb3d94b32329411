/** How the whole run does: charts of the last minutes, and every function with its last minute. */
import { useState } from 'preact/hooks';
import type { Measures } from '../../../telemetry/measures.ts';
import type { StandingRow } from '../../list-standing.ts';
import { NewPage } from '../new/new-page.tsx';
import { Chart, Spark } from './chart.tsx';
import type { Column } from './data-table.tsx';
import { formatMs, formatNumber, formatSpan } from './format.ts';
import { hrefOf } from './hash-route.ts';
import { PageHeader } from './page-header.tsx';
import { PagedTable } from './paged-table.tsx';
import type { Line } from './use-line.ts';
import { useFresh } from './use-fresh.ts';
import { usePages } from './use-pages.ts';
import { watchApi } from './watch-api.ts';

const orders = { name: 'name', trouble: 'trouble first', rate: 'most called', slow: 'slowest' } as const;

export function OverviewPage({ line }: { readonly line: Line }) {
  const { versions } = line;
  const [find, setFind] = useState('');
  const [order, setOrder] = useState('name');
  const measures = useFresh((signal) => watchApi.measures(signal), '', versions.measures);
  const key = JSON.stringify([find, order]);
  const pages = usePages(
    (offset, limit, signal) => watchApi.standing(find, order, offset, limit, signal),
    key,
    versions.functions + versions.measures,
  );
  if (find === '' && pages.total === 0) return <NewPage first />;
  return (
    <article class="page">
      <PageHeader title="Overview" />
      {measures.value === undefined ? null : <Charts measures={measures.value} />}
      <div class="filters">
        <label>
          Find
          <input
            type="search"
            value={find}
            placeholder="name, state, kind of trigger"
            onInput={(event) => setFind(event.currentTarget.value)}
          />
        </label>
        <label>
          Order
          <select value={order} onChange={(event) => setOrder(event.currentTarget.value)}>
            {Object.entries(orders).map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <span class="hint">
          {pages.total === undefined ? '' : `${pages.total} functions; figures of the last minute`}
        </span>
      </div>
      <PagedTable
        pages={pages}
        filter={key}
        label="Functions and their last minute"
        columns={columns}
        empty={<p class="hint">No function of this kind.</p>}
      />
    </article>
  );
}

function Charts({ measures: { times, series, everyMs } }: { readonly measures: Measures }) {
  if (everyMs === 0) return <p class="hint">Figures of this run are in Prometheus: nothing is measured here.</p>;
  const rate = (value: number): string => `${formatNumber(value)}/s`;
  return (
    <section class="charts" aria-label="The last minutes">
      <Chart
        title="Calls"
        times={times}
        format={rate}
        lines={[{ name: 'calls', tone: 'accent', values: series.callsPerSecond }]}
      />
      <Chart
        title="Errors"
        times={times}
        format={rate}
        lines={[
          { name: 'failed', tone: 'bad', values: series.failedPerSecond },
          { name: 'refused', tone: 'unsure', values: series.refusedPerSecond },
        ]}
      />
      <Chart
        title="Duration"
        times={times}
        least={1}
        format={formatMs}
        lines={[
          { name: 'p50', tone: 'accent', values: series.p50Ms },
          { name: 'p99', tone: 'unsure', values: series.p99Ms },
        ]}
      />
      <Chart
        title="Deliveries that wait"
        times={times}
        format={formatNumber}
        lines={[
          { name: 'waiting', tone: 'accent', values: series.waiting },
          { name: 'dead letters', tone: 'bad', values: series.deadLetters },
        ]}
      />
      <Chart
        title="Longest due"
        times={times}
        least={5000}
        format={(value) => (value === 0 ? 'none' : formatSpan(value))}
        lines={[{ name: 'longest due', tone: 'unsure', values: series.oldestDueMs }]}
      />
      <Chart
        title="Running now"
        times={times}
        format={formatNumber}
        lines={[{ name: 'running', tone: 'accent', values: series.running }]}
      />
    </section>
  );
}

const columns: readonly Column<StandingRow>[] = [
  {
    title: 'Function',
    width: 'minmax(160px, 1.4fr)',
    cell: ({ namespace, name }) => (
      <a href={hrefOf('functions', [namespace, name])}>
        {namespace}/{name}
      </a>
    ),
  },
  {
    title: 'State',
    width: 'minmax(110px, 0.8fr)',
    cell: ({ ready, reason, message }) => (
      <span class={`badge ready-${ready}`} title={message}>
        {reason}
      </span>
    ),
  },
  {
    title: 'Triggers',
    width: 'minmax(100px, 0.8fr)',
    cell: ({ triggers }) => [...new Set(triggers.map(({ kind }) => kind))].join(', '),
  },
  { title: 'Last minute', width: '106px', cell: ({ measures }) => <Spark values={measures?.recent ?? []} /> },
  {
    title: 'Calls',
    width: '80px',
    end: true,
    cell: ({ measures }) => (measures === undefined ? '-' : `${formatNumber(measures.perSecond)}/s`),
  },
  {
    title: 'Failed',
    width: '70px',
    end: true,
    cell: ({ measures }) =>
      measures === undefined ? (
        '-'
      ) : (
        <span class={measures.failedShare > 0 ? 'error' : undefined}>{formatNumber(measures.failedShare * 100)} %</span>
      ),
  },
  { title: 'p50', width: '80px', end: true, cell: ({ measures }) => msOf(measures?.p50Ms) },
  { title: 'p99', width: '80px', end: true, cell: ({ measures }) => msOf(measures?.p99Ms) },
];

function msOf(value: number | undefined): string {
  return value === undefined ? '-' : formatMs(value);
}
