/** Every call of the run: followed as they happen, or held still to be read. */
import { useState } from 'preact/hooks';
import { CallsList } from './calls-list.tsx';
import { goTo, hrefOf, type Place } from './hash-route.ts';
import { PageHeader } from './page-header.tsx';

const kinds: Readonly<Record<string, string>> = {
  all: '',
  failed: 'error,timeout,cpu,memory,dead',
  refused: 'unverified,unresolved,limited,overloaded,suspended,unmatched',
  good: 'ok,accepted',
  'not run': 'filtered,duplicate,cancelled,superseded',
};

export function CallsPage({ place, version }: { readonly place: Place; readonly version: number }) {
  const [paused, setPaused] = useState(false);
  const { kind = 'all', whose = '', id = '' } = place.query;
  const change = (part: Readonly<Record<string, string>>): void =>
    goTo(hrefOf('calls', [], { ...place.query, ...part }), true);
  const [namespace, name] = whose.split('/', 2);
  return (
    <article class="page">
      <PageHeader title="Calls">
        <div class="filters">
          <label>
            Outcome
            <select value={kind} onChange={(event) => change({ kind: event.currentTarget.value })}>
              {Object.keys(kinds).map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          </label>
          <label>
            Function
            <input
              value={whose}
              placeholder="NAMESPACE or NAMESPACE/NAME"
              onInput={(event) => change({ whose: event.currentTarget.value.trim() })}
            />
          </label>
          <label>
            Id
            <input
              value={id}
              placeholder="call, event, or the sender's delivery id"
              onInput={(event) => change({ id: event.currentTarget.value.trim() })}
            />
          </label>
          <button type="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>
            {paused ? 'Held still' : 'Following'}
          </button>
        </div>
      </PageHeader>
      <CallsList
        query={{ outcome: kinds[kind] ?? '', namespace, name, id }}
        version={version}
        paused={paused}
        empty="No calls of this kind are remembered."
      />
    </article>
  );
}
