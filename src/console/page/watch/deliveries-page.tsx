/** What is on its way, and what died: two lists of the same rows, with what can be done about them. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { ActDialog } from './act-dialog.tsx';
import type { ActWish, Selection } from './act-on-deliveries.ts';
import { DeliveriesList } from './deliveries-list.tsx';
import { goTo, hrefOf, type Place } from './hash-route.ts';
import { PageHeader } from './page-header.tsx';
import type { Query } from './watch-api.ts';

const states: Readonly<Record<string, string>> = {
  'on its way': 'waiting,held,leased',
  waiting: 'waiting,held',
  running: 'leased',
  done: 'done',
  'filtered or superseded': 'filtered,superseded',
  cancelled: 'cancelled',
  all: '',
};

export interface DeliveriesPageProps {
  readonly place: Place;
  readonly version: number;
}

export function DeliveriesPage({ place, version }: DeliveriesPageProps) {
  const { state = 'on its way' } = place.query;
  return (
    <DeliveriesFrame title="Deliveries" verb="cancel" place={place} version={version}>
      {(query, change) => ({
        query: { ...query, state: states[state] ?? '' },
        filters: (
          <label>
            State
            <select value={state} onChange={(event) => change({ state: event.currentTarget.value })}>
              {Object.keys(states).map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          </label>
        ),
        empty: 'Nothing of this kind: every event has ended.',
      })}
    </DeliveriesFrame>
  );
}

export function DeadLettersPage({ place, version }: DeliveriesPageProps) {
  return (
    <DeliveriesFrame title="Dead letters" verb="replay" place={place} version={version}>
      {(query) => ({
        query: { ...query, state: 'dead', latest: 'true' },
        filters: null,
        empty: 'No dead letters: nothing failed for good, or all of it was replayed.',
      })}
    </DeliveriesFrame>
  );
}

interface FrameProps extends DeliveriesPageProps {
  readonly title: string;
  readonly verb: 'replay' | 'cancel';
  readonly children: (
    query: Query,
    change: (part: Readonly<Record<string, string>>) => void,
  ) => { readonly query: Query; readonly filters: ComponentChildren; readonly empty: string };
}

function DeliveriesFrame({ title, verb, place, version, children }: FrameProps) {
  const [asked, setAsked] = useState<ActWish>();
  const [message, setMessage] = useState('');
  const { whose = '', id = '' } = place.query;
  const subject = readSubject(whose);
  const change = (part: Readonly<Record<string, string>>): void =>
    goTo(hrefOf(place.section, [], { ...place.query, ...part }), true);
  const { namespace, ...selection } = subject;
  const { query, filters, empty } = children({ namespace, ...selection, id }, change);
  return (
    <article class="page">
      <PageHeader title={title}>
        <div class="filters">
          {filters}
          <label>
            Whose
            <input
              value={whose}
              placeholder="NAMESPACE, NAMESPACE/NAME, whs/NAMESPACE/NAME"
              onInput={(event) => change({ whose: event.currentTarget.value.trim() })}
            />
          </label>
          <label>
            Id
            <input
              value={id}
              placeholder="event, delivery, or the sender's id"
              onInput={(event) => change({ id: event.currentTarget.value.trim() })}
            />
          </label>
          <button
            type="button"
            disabled={namespace === undefined || id !== ''}
            title={namespace === undefined ? 'Say whose first: a namespace, a function, a subscription' : undefined}
            onClick={() => {
              if (namespace === undefined) return;
              setAsked({ verb, namespace, selections: [selection], ...(verb === 'replay' ? { dead: true } : {}) });
            }}
          >
            {verb === 'replay' ? 'Replay all of these' : 'Cancel all that waits'}
          </button>
          <span role="status" class="hint">
            {message}
          </span>
        </div>
      </PageHeader>
      <DeliveriesList label={title} query={query} version={version} empty={empty} verb={verb} />
      {asked === undefined ? null : (
        <ActDialog
          wish={asked}
          what={`${verb === 'replay' ? 'every dead letter' : 'everything that waits'} of ${whose}`}
          onCancel={() => setAsked(undefined)}
          onDone={(said) => {
            setAsked(undefined);
            setMessage(said);
          }}
        />
      )}
    </article>
  );
}

/** What a person typed: a namespace, a function, or a subscription. */
function readSubject(whose: string): Selection & { readonly namespace?: string } {
  const subscription = whose.startsWith('whs/');
  const [namespace = '', name = ''] = (subscription ? whose.slice(4) : whose).split('/', 2);
  if (namespace === '') return {};
  if (name === '') return { namespace };
  return subscription ? { namespace, subscription: name } : { namespace, function: name };
}
