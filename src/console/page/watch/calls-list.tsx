/** Calls as they happen: newest first, filtered by the program, each with its story beside the list. */
import { useState } from 'preact/hooks';
import type { CallRow } from '../../call-row.ts';
import { DataTable, type Column } from './data-table.tsx';
import { formatClock, formatMs } from './format.ts';
import { hrefOf } from './hash-route.ts';
import { StoryPanel } from './story-panel.tsx';
import { useFeed } from './use-feed.ts';
import { watchApi, type Query } from './watch-api.ts';

const pageRows = 200;

export interface CallsListProps {
  /** Of one function; else of all. */
  readonly of?: { readonly namespace: string; readonly name: string };
  readonly query: Query;
  readonly version: number;
  readonly paused?: boolean;
  /** What is written to the log stands in the list. */
  readonly empty: string;
}

export function CallsList({ of, query, version, paused = false, empty }: CallsListProps) {
  const [open, setOpen] = useState<CallRow>();
  const whole: Query = { ...query, ...(of === undefined ? {} : { namespace: of.namespace, name: of.name }) };
  const feed = useFeed<CallRow>({
    key: JSON.stringify(whole),
    version,
    paused,
    idOf: ({ callId, attempt }) => `${callId} ${attempt ?? ''}`,
    read: async (until, signal) => {
      const rows = await watchApi.calls({ ...whole, limit: String(pageRows), until }, signal);
      const last = rows.at(-1);
      return { rows, ...(rows.length < pageRows || last === undefined ? {} : { next: String(last.time) }) };
    },
  });
  const { rows } = feed;
  const columns = columnsOf(of === undefined, setOpen);
  return (
    <div class="split">
      <div class="fill">
        {feed.failure === undefined ? null : <p class="error">{feed.failure.message}</p>}
        {feed.jumped ? (
          <p class="hint" role="status">
            More calls came at once than a page holds; the ones between are further down.
          </p>
        ) : null}
        {rows === undefined ? null : (
          <DataTable<CallRow>
            label="Calls"
            columns={columns}
            count={rows.length}
            row={(index) => rows[index]}
            prepended={feed.prepended}
            onShow={(_first, last) => {
              if (last > rows.length - 60) feed.older();
            }}
            onOpen={(row) => setOpen(row)}
            isOpen={(row) => row.callId === open?.callId}
            empty={<p class="hint">{empty}</p>}
          />
        )}
      </div>
      {open === undefined ? null : (
        <StoryPanel namespace={open.namespace} id={open.callId} version={0} onClose={() => setOpen(undefined)} />
      )}
    </div>
  );
}

function columnsOf(everyFunction: boolean, open: (row: CallRow) => void): readonly Column<CallRow>[] {
  const now = Date.now();
  const functions: Column<CallRow> = {
    title: 'Function',
    width: 'minmax(120px, 1fr)',
    cell: ({ kind, namespace, functionName, subscription }) =>
      namespace === undefined ? (
        <span class="hint">no route</span>
      ) : functionName !== undefined ? (
        <a href={hrefOf('functions', [namespace, functionName])}>
          {namespace}/{functionName}
        </a>
      ) : kind === 'call' ? (
        <span class="hint">bus of {namespace}</span>
      ) : (
        `whs/${namespace}/${subscription ?? '-'}`
      ),
  };
  return [
    { title: 'Time', width: '150px', cell: ({ time }) => <time>{formatClock(time, now)}</time> },
    {
      title: 'Outcome',
      width: '140px',
      cell: ({ outcome, status }) => (
        <span class={`badge outcome-${outcome}`}>
          {outcome} {status ?? ''}
        </span>
      ),
    },
    ...(everyFunction ? [functions] : []),
    { title: 'Trigger', width: 'minmax(70px, 0.6fr)', cell: ({ trigger, handler }) => trigger ?? handler ?? '-' },
    {
      title: 'What',
      width: 'minmax(120px, 1.6fr)',
      cell: ({ method, target, eventName, kind, why }) => (
        <>
          {target === undefined ? (eventName ?? kind) : `${method ?? ''} ${target}`}
          {why === undefined ? null : <span class="error"> {why}</span>}
        </>
      ),
    },
    { title: 'Took', width: '80px', end: true, cell: ({ durationMs }) => formatMs(durationMs) },
    {
      title: 'Call',
      width: 'minmax(110px, 0.9fr)',
      cell: (row) => (
        <button type="button" class="link" onClick={() => open(row)}>
          {row.callId}
        </button>
      ),
    },
  ];
}
