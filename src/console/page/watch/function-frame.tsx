/** One function: its texts, and beside them its calls, log, deliveries and keys; which of them is open stands in the address. */
import { useState } from 'preact/hooks';
import type { FunctionRow, LanguageHelp } from '../../console-source.ts';
import { FunctionPage } from '../function-page.tsx';
import { CallsList } from './calls-list.tsx';
import { DeliveriesList } from './deliveries-list.tsx';
import { goTo, hrefOf, type Place } from './hash-route.ts';
import { InvokePanel } from './invoke-panel.tsx';
import { KeysList } from './keys-list.tsx';
import { LogsList } from './logs-list.tsx';
import { SuspendButton } from './suspend-button.tsx';
import type { Line } from './use-line.ts';

const tabs = ['Edit', 'Calls', 'Log', 'Deliveries', 'Dead letters', 'Keys', 'Invoke'] as const;

export interface FunctionFrameProps {
  readonly row: FunctionRow;
  readonly help: LanguageHelp;
  readonly line: Line;
  readonly place: Place;
}

export function FunctionFrame({ row, help, line, place }: FunctionFrameProps) {
  const [message, setMessage] = useState('');
  const { namespace, name } = row;
  const tab = tabs.find((each) => each === place.query['tab']) ?? 'Edit';
  const open = (next: string): void =>
    goTo(hrefOf('functions', [namespace, name], { tab: next === 'Edit' ? undefined : next }));
  const walk = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const next = step === undefined ? undefined : tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    if (next === undefined) return;
    open(next);
    (event.currentTarget as HTMLElement).querySelector<HTMLElement>(`[data-tab="${next}"]`)?.focus();
  };
  return (
    <div class="function-frame">
      <div class="function-top">
        <div role="tablist" aria-label={`${namespace}/${name}`} onKeyDown={walk}>
          {tabs.map((each) => (
            <button
              key={each}
              type="button"
              role="tab"
              data-tab={each}
              aria-selected={each === tab}
              tabIndex={each === tab ? 0 : -1}
              onClick={() => open(each)}
            >
              {each}
            </button>
          ))}
        </div>
        <span role="status" class="hint">
          {message}
        </span>
        <SuspendButton row={row} onSaid={setMessage} />
      </div>
      {/* Kept while another tab is open: what was typed, and where. */}
      <div role="tabpanel" aria-label="Edit" hidden={tab !== 'Edit'}>
        <FunctionPage row={row} help={help} version={line.versions.functions} />
      </div>
      {tab === 'Edit' ? null : (
        <div role="tabpanel" aria-label={tab} class="tab tab-watch">
          <header class="page-header">
            <h1>
              {namespace}/{name}
            </h1>
            <span class={`badge ready-${row.ready}`}>{row.reason}</span>
          </header>
          <WatchTab tab={tab} row={row} version={line.versions.calls} />
        </div>
      )}
    </div>
  );
}

interface WatchTabProps {
  readonly tab: Exclude<(typeof tabs)[number], 'Edit'>;
  readonly row: FunctionRow;
  readonly version: number;
}

function WatchTab({ tab, row, version }: WatchTabProps) {
  const { namespace, name } = row;
  switch (tab) {
    case 'Calls':
      return <CallsList of={{ namespace, name }} query={{}} version={version} empty="No calls yet." />;
    case 'Log':
      return <LogsList namespace={namespace} name={name} version={version} />;
    case 'Deliveries':
      return (
        <DeliveriesList
          key={tab}
          label={tab}
          query={{ namespace, function: name, state: 'waiting,held,leased' }}
          version={version}
          empty="Nothing is on its way to this function."
          verb="cancel"
        />
      );
    case 'Dead letters':
      return (
        <DeliveriesList
          key={tab}
          label={tab}
          query={{ namespace, function: name, state: 'dead', latest: 'true' }}
          version={version}
          empty="No dead letters of this function."
          verb="replay"
        />
      );
    case 'Keys':
      return <KeysList space={{ namespace, function: name }} version={version} />;
    case 'Invoke':
      return <InvokePanel row={row} />;
    default:
      return tab satisfies never;
  }
}
