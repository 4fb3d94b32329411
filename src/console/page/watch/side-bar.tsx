/** The side of the page: where to go, every function by name, and whether the line to the program stands. */
import { useState } from 'preact/hooks';
import { api } from '../api.ts';
import { goTo, hrefOf, type Place } from './hash-route.ts';
import { Icon, type IconName } from './icons.tsx';
import type { Line } from './use-line.ts';
import { usePages } from './use-pages.ts';
import { VirtualRows } from './virtual-rows.tsx';

const sections: readonly { readonly section: string; readonly title: string; readonly icon: IconName }[] = [
  { section: '', title: 'Overview', icon: 'overview' },
  { section: 'calls', title: 'Calls', icon: 'calls' },
  { section: 'deliveries', title: 'Deliveries', icon: 'deliveries' },
  { section: 'dead-letters', title: 'Dead letters', icon: 'dead' },
  { section: 'subscriptions', title: 'Subscriptions', icon: 'subscriptions' },
  { section: 'routes', title: 'Routes', icon: 'routes' },
  { section: 'schedules', title: 'Schedules', icon: 'schedules' },
  { section: 'keys', title: 'Keys', icon: 'keys' },
];

export function SideBar({ line, place }: { readonly line: Line; readonly place: Place }) {
  const [wanted, setWanted] = useState('');
  const pages = usePages(
    (offset, limit, signal) => api.functions(wanted, offset, limit, signal),
    wanted,
    line.versions.functions,
  );
  const open = place.section === 'functions' ? place.parts.join('/') : undefined;
  return (
    <nav aria-label="Console">
      <div class="brand">
        <svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
          <path
            d="M15 3a9 9 0 1 0 6 13 7 7 0 0 1-6-13z"
            fill="none"
            stroke="var(--accent)"
            stroke-width="2"
            stroke-linejoin="round"
          />
          <circle cx="17.5" cy="6.5" r="2" fill="var(--accent)" />
        </svg>
        <strong>Moonhook</strong> <small class="hint">{line.status?.version}</small>
      </div>
      <ul class="sections">
        {sections.map(({ section, title, icon }) => (
          <li key={section}>
            <a href={hrefOf(section)} aria-current={section === place.section ? 'page' : undefined}>
              <Icon name={icon} />
              {title}
            </a>
          </li>
        ))}
      </ul>
      <h2>
        Functions <span class="hint">{pages.total}</span>
        <a class="new-link" href={hrefOf('new')} aria-current={place.section === 'new' ? 'page' : undefined}>
          New
        </a>
      </h2>
      <input
        type="search"
        aria-label="Find a function"
        placeholder="Find"
        value={wanted}
        onInput={(event) => setWanted(event.currentTarget.value)}
      />
      <div class="function-list">
        <VirtualRows
          key={wanted}
          count={pages.total ?? 0}
          rowHeight={30}
          role="list"
          label="Functions"
          onShow={pages.show}
          row={(index) => {
            const row = pages.row(index);
            if (row === undefined) return null;
            const name = `${row.namespace}/${row.name}`;
            return (
              <button
                type="button"
                title={name}
                aria-current={name === open ? 'page' : undefined}
                onClick={() => goTo(hrefOf('functions', [row.namespace, row.name]))}
              >
                <span class={`dot state-${row.ready}`} role="img" aria-label={row.reason} />
                {name}
              </button>
            );
          }}
        />
      </div>
      <LineState line={line} />
    </nav>
  );
}

const lineWords: Readonly<Record<Line['state'], string>> = {
  live: 'Live',
  lost: 'Not connected, trying again',
  locked: 'Connecting',
  connecting: 'Connecting',
};

function LineState({ line }: { readonly line: Line }) {
  const [gap] = line.gaps;
  const time = (at: number): string => new Date(at).toLocaleTimeString();
  return (
    <div class="line-state">
      <p role="status">
        <span class={`dot state-${line.state === 'live' ? 'True' : 'Unknown'}`} aria-hidden="true" />
        {lineWords[line.state]}
      </p>
      {gap?.to === undefined ? null : (
        <p class="hint">
          Line lost {time(gap.from)} to {time(gap.to)}
          {gap.restarted === true ? ': Moonhook was restarted.' : '.'} Lists were read again.
        </p>
      )}
      <p class="hint place">{line.status?.place}</p>
    </div>
  );
}
