/** The watching half of a function's page: calls, log, deliveries and keys of this function alone, and calling it. */
import { useState } from 'preact/hooks';
import type { FunctionRow } from '../../console-source.ts';
import { CallsList } from './calls-list.tsx';
import { DeliveriesList } from './deliveries-list.tsx';
import { InvokePanel } from './invoke-panel.tsx';
import { KeysList } from './keys-list.tsx';
import { LogsList } from './logs-list.tsx';

const tabs = ['Calls', 'Log', 'Deliveries', 'Dead letters', 'Keys', 'Invoke'] as const;

export function FunctionWatch({ row, version }: { readonly row: FunctionRow; readonly version: number }) {
  const [tab, setTab] = useState<(typeof tabs)[number]>('Calls');
  const { namespace, name } = row;
  const walk = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    if (next === undefined) return;
    setTab(next);
    const list = event.currentTarget as HTMLElement;
    list.querySelector<HTMLElement>(`[data-tab="${next}"]`)?.focus();
  };
  return (
    <section class="function-watch" aria-label="Watch">
      <div role="tablist" aria-label="Watch" onKeyDown={walk}>
        {tabs.map((each) => (
          <button
            key={each}
            type="button"
            role="tab"
            data-tab={each}
            aria-selected={each === tab}
            tabIndex={each === tab ? 0 : -1}
            onClick={() => setTab(each)}
          >
            {each}
          </button>
        ))}
      </div>
      <div role="tabpanel" aria-label={tab} class="tab">
        {tab === 'Calls' ? (
          <CallsList of={{ namespace, name }} query={{}} version={version} empty="No calls yet." />
        ) : tab === 'Log' ? (
          <LogsList namespace={namespace} name={name} version={version} />
        ) : tab === 'Deliveries' ? (
          <DeliveriesList
            label="Deliveries"
            query={{ namespace, function: name, state: 'waiting,held,leased' }}
            version={version}
            empty="Nothing is on its way to this function."
            verb="cancel"
          />
        ) : tab === 'Dead letters' ? (
          <DeliveriesList
            label="Dead letters"
            query={{ namespace, function: name, state: 'dead', latest: 'true' }}
            version={version}
            empty="No dead letters of this function."
            verb="replay"
          />
        ) : tab === 'Keys' ? (
          <KeysList space={{ namespace, function: name }} version={version} />
        ) : (
          <InvokePanel row={row} />
        )}
      </div>
    </section>
  );
}
