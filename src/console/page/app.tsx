/** The whole page: the side with its list of functions, and what is open beside it. */
import { api } from './api.ts';
import { NewPage } from './new/new-page.tsx';
import { FunctionFrame } from './watch/function-frame.tsx';
import { WatchPage } from './watch/watch-page.tsx';
import { SideBar } from './watch/side-bar.tsx';
import { useFresh } from './watch/use-fresh.ts';
import { useLine, type Line } from './watch/use-line.ts';
import { usePlace, type Place } from './watch/hash-route.ts';
import './watch/side-bar.css';
import './watch/pages.css';
import './watch/tables.css';
import './watch/stories.css';
import './watch/charts.css';
import './watch/function-frame.css';
import './watch/narrow.css';

export function App() {
  const line = useLine();
  const place = usePlace();
  if (line.state === 'locked') {
    return (
      <main class="locked">
        <h1>Moonhook</h1>
        <p>
          This page needs the token of the running program. <code>moonhook console</code> prints the address that holds
          it.
        </p>
      </main>
    );
  }
  return (
    <>
      <SideBar line={line} place={place} />
      <main>
        {line.state !== 'lost' ? null : (
          <p role="alert" class="lost">
            The connection to Moonhook is gone; trying again. What you see is from before.
          </p>
        )}
        <Content line={line} place={place} />
      </main>
    </>
  );
}

function Content({ line, place }: { readonly line: Line; readonly place: Place }) {
  const [namespace, name] = place.parts;
  if (place.section === 'functions' && namespace !== undefined && name !== undefined) {
    return <OpenFunction key={`${namespace}/${name}`} line={line} place={place} namespace={namespace} name={name} />;
  }
  if (place.section === 'new') return <NewPage first={false} />;
  return <WatchPage line={line} place={place} />;
}

interface OpenFunctionProps {
  readonly line: Line;
  readonly place: Place;
  readonly namespace: string;
  readonly name: string;
}

function OpenFunction({ line, place, namespace, name }: OpenFunctionProps) {
  const { versions, help } = line;
  const row = useFresh(() => api.functionRow(namespace, name), `${namespace}/${name}`, versions.functions);
  if (row.value === undefined || help === undefined) return <p class="hint">{row.failure?.message}</p>;
  return <FunctionFrame row={row.value} help={help} line={line} place={place} />;
}
