/** Schedules: when each runs next, and how it ran last. */
import { useState } from 'preact/hooks';
import type { ScheduleRow } from '../../watch-source.ts';
import type { Column } from './data-table.tsx';
import { formatClock, formatWhen } from './format.ts';
import { hrefOf } from './hash-route.ts';
import { PageHeader } from './page-header.tsx';
import { PagedTable } from './paged-table.tsx';
import { StoryPanel } from './story-panel.tsx';
import { usePages } from './use-pages.ts';
import { watchApi } from './watch-api.ts';

export function SchedulesPage({ version }: { readonly version: number }) {
  const [find, setFind] = useState('');
  const [open, setOpen] = useState<ScheduleRow>();
  const pages = usePages((offset, limit, signal) => watchApi.schedules(find, offset, limit, signal), find, version);
  return (
    <article class="page">
      <PageHeader title="Schedules">
        <div class="filters">
          <label>
            Find
            <input type="search" value={find} onInput={(event) => setFind(event.currentTarget.value)} />
          </label>
        </div>
      </PageHeader>
      <div class="split">
        <div class="fill">
          <PagedTable
            pages={pages}
            filter={find}
            label="Schedules"
            columns={columnsOf(setOpen)}
            empty={<p class="hint">No function has a schedule.</p>}
          />
        </div>
        {open?.last === undefined ? null : (
          <StoryPanel namespace={open.namespace} id={open.last.callId} version={0} onClose={() => setOpen(undefined)} />
        )}
      </div>
    </article>
  );
}

function columnsOf(open: (row: ScheduleRow) => void): readonly Column<ScheduleRow>[] {
  const now = Date.now();
  const both = (time: string): string => `${formatClock(Date.parse(time), now)} (${formatWhen(Date.parse(time), now)})`;
  return [
    {
      title: 'Function',
      width: 'minmax(140px, 1fr)',
      cell: ({ namespace, name }) => (
        <a href={hrefOf('functions', [namespace, name])}>
          {namespace}/{name}
        </a>
      ),
    },
    { title: 'Trigger', width: 'minmax(80px, 0.6fr)', cell: ({ trigger }) => trigger },
    { title: 'Schedule', width: 'minmax(110px, 0.8fr)', cell: ({ cron }) => <code>{cron}</code> },
    { title: 'Time zone', width: 'minmax(90px, 0.6fr)', cell: ({ timeZone }) => timeZone },
    {
      title: 'Next',
      width: 'minmax(190px, 1fr)',
      cell: ({ next }) => (next === undefined ? <span class="hint">does not run</span> : both(next)),
    },
    {
      title: 'Last',
      width: 'minmax(230px, 1.2fr)',
      cell: (row) =>
        row.last === undefined ? (
          <span class="hint">not remembered</span>
        ) : (
          <>
            <button type="button" class="link" onClick={() => open(row)}>
              {both(row.last.time)}
            </button>{' '}
            <span class={`badge outcome-${row.last.outcome}`}>{row.last.outcome}</span>
          </>
        ),
    },
  ];
}
