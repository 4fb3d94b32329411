/** The key-value store: whose keys are looked at stands in the address. */
import { goTo, hrefOf, type Place } from './hash-route.ts';
import { KeysList } from './keys-list.tsx';
import { PageHeader } from './page-header.tsx';

export function KeysPage({ place, version }: { readonly place: Place; readonly version: number }) {
  const { whose = '' } = place.query;
  const [namespace = '', name = ''] = whose.split('/', 2);
  const shared = name.startsWith('shared:') ? name.slice('shared:'.length) : undefined;
  return (
    <article class="page">
      <PageHeader title="Keys">
        <div class="filters">
          <label class="wide">
            Whose
            <input
              value={whose}
              placeholder="NAMESPACE/FUNCTION, or NAMESPACE/shared:NAME"
              onInput={(event) => goTo(hrefOf('keys', [], { whose: event.currentTarget.value.trim() }), true)}
            />
          </label>
        </div>
      </PageHeader>
      {namespace === '' || name === '' || shared === '' ? (
        <p class="hint empty">A key belongs to a function, or to a shared space of its namespace: say whose.</p>
      ) : (
        <KeysList
          key={whose}
          space={{ namespace, ...(shared === undefined ? { function: name } : { shared }) }}
          version={version}
        />
      )}
    </article>
  );
}
