/** Deliveries, newest first: what waits, why and for when, or what died; many can be chosen and acted on at once. */
import { useState } from 'preact/hooks';
import { ActDialog } from './act-dialog.tsx';
import type { ActWish } from './act-on-deliveries.ts';
import { DataTable, type Column } from './data-table.tsx';
import { formatSpan, formatWhen } from './format.ts';
import { StoryPanel } from './story-panel.tsx';
import { useFeed } from './use-feed.ts';
import { describeTo, watchApi, type Delivery, type Query } from './watch-api.ts';

const pageRows = 100;
/** Single deliveries that are acted on in one go. */
const mostChosen = 100;

export interface DeliveriesListProps {
  readonly label: string;
  readonly query: Query;
  readonly version: number;
  readonly empty: string;
  /** What can be done with the chosen ones. */
  readonly verb: 'replay' | 'cancel';
}

export function DeliveriesList({ label, query, version, empty, verb }: DeliveriesListProps) {
  const [open, setOpen] = useState<Delivery>();
  const [chosen, setChosen] = useState<ReadonlyMap<string, string>>(new Map());
  const [asked, setAsked] = useState<ActWish>();
  const [message, setMessage] = useState('');
  const feed = useFeed<Delivery>({
    key: JSON.stringify(query),
    version,
    idOf: ({ metadata }) => metadata.name,
    read: async (after, signal) => {
      const wish = { ...query, limit: String(pageRows), continue: after };
      const { metadata, items } = await watchApi.deliveries(wish, signal);
      return { rows: items, ...(metadata.continue === undefined ? {} : { next: metadata.continue }) };
    },
  });
  const { rows } = feed;
  const choose = ({ metadata }: Delivery, on: boolean): void => {
    const next = new Map(chosen);
    if (on) next.set(metadata.name, metadata.namespace);
    else next.delete(metadata.name);
    setChosen(next);
  };
  const namespaces = new Set(chosen.values());
  const [namespace] = namespaces;
  return (
    <div class="split">
      <div class="fill">
        <p class="toolbar">
          <button
            type="button"
            disabled={namespaces.size !== 1 || chosen.size > mostChosen}
            onClick={() => {
              const selections = [...chosen.keys()].map((id) => ({ id }));
              if (namespace !== undefined) setAsked({ verb, namespace, selections });
            }}
          >
            {verb === 'replay' ? 'Replay chosen' : 'Cancel chosen'} ({chosen.size})
          </button>
          <span role="status" class="hint">
            {namespaces.size > 1
              ? 'Chosen ones are of one namespace.'
              : chosen.size > mostChosen
                ? `At most ${mostChosen} at once: narrow the list and take all of it instead.`
                : message}
          </span>
        </p>
        {feed.failure === undefined ? null : <p class="error">{feed.failure.message}</p>}
        {rows === undefined ? null : (
          <DataTable<Delivery>
            label={label}
            columns={columnsOf({ open: setOpen, choose, isChosen: ({ metadata }) => chosen.has(metadata.name) })}
            count={rows.length}
            row={(index) => rows[index]}
            prepended={feed.prepended}
            onShow={(_first, last) => {
              if (last > rows.length - 40) feed.older();
            }}
            onOpen={(row) => setOpen(row)}
            isOpen={({ metadata }) => metadata.name === open?.metadata.name}
            empty={<p class="hint">{empty}</p>}
          />
        )}
      </div>
      {open === undefined ? null : (
        <StoryPanel
          namespace={open.metadata.namespace}
          id={open.metadata.name}
          version={version}
          onClose={() => setOpen(undefined)}
        />
      )}
      {asked === undefined ? null : (
        <ActDialog
          wish={asked}
          what={chosen.size === 1 ? ([...chosen.keys()][0] ?? '') : `${chosen.size} deliveries`}
          onCancel={() => setAsked(undefined)}
          onDone={(said) => {
            setAsked(undefined);
            setChosen(new Map());
            setMessage(said);
            feed.again();
          }}
        />
      )}
    </div>
  );
}

interface RowActs {
  open(row: Delivery): void;
  choose(row: Delivery, on: boolean): void;
  isChosen(row: Delivery): boolean;
}

function columnsOf({ open, choose, isChosen }: RowActs): readonly Column<Delivery>[] {
  const now = Date.now();
  return [
    {
      title: 'Choose',
      width: '52px',
      cell: (row) => (
        <input
          type="checkbox"
          aria-label={`Choose ${row.metadata.name}`}
          checked={isChosen(row)}
          onChange={(event) => choose(row, event.currentTarget.checked)}
        />
      ),
    },
    {
      title: 'Delivery',
      width: '84px',
      cell: (row) => (
        <button type="button" class="link" onClick={() => open(row)}>
          {row.metadata.name}
        </button>
      ),
    },
    { title: 'State', width: '92px', cell: (row) => <span class={`badge state-${row.state}`}>{stateOf(row)}</span> },
    { title: 'To', width: 'minmax(130px, 1fr)', cell: ({ metadata, to }) => describeTo(metadata.namespace, to) },
    { title: 'Event', width: 'minmax(90px, 0.9fr)', cell: ({ event }) => event.type },
    { title: 'Attempts', width: '62px', end: true, cell: ({ attempts }) => attempts },
    {
      title: 'Age',
      width: '56px',
      end: true,
      cell: ({ metadata }) => formatSpan(now - Date.parse(metadata.creationTimestamp)),
    },
    { title: 'Next', width: '110px', cell: (row) => nextOf(row, now) },
    {
      title: 'Why',
      width: 'minmax(150px, 1.6fr)',
      cell: ({ waitsFor, reason, error }) =>
        waitsFor ?? ([reason, error].filter((part) => part !== undefined).join(': ') || ''),
    },
  ];
}

/** One that failed before and waits is retrying. */
function stateOf({ state, attempts, waitsFor }: Delivery): string {
  if (state === 'leased') return 'running';
  return state === 'waiting' && attempts > 0 && waitsFor === undefined ? 'retrying' : state;
}

function nextOf({ state, due, ended, waitsFor }: Delivery, now: number): string {
  if (ended !== undefined) return `ended ${formatWhen(Date.parse(ended), now)}`;
  if (state !== 'waiting' || due === undefined || waitsFor !== undefined) return '-';
  const at = Date.parse(due);
  return at <= now ? 'due now' : formatWhen(at, now);
}
