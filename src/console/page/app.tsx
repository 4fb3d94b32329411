/** The whole page: the list of functions, and the one that is open. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ConsoleStatus, FunctionRow } from '../console-source.ts';
import type { LanguageEntry } from '../console-source.ts';
import { api, ApiFailure, followChanges } from './api.ts';
import { FunctionPage } from './function-page.tsx';

export function App() {
  const [status, setStatus] = useState<ConsoleStatus>();
  const [rows, setRows] = useState<readonly FunctionRow[]>([]);
  const [failure, setFailure] = useState<ApiFailure>();
  const [open, setOpen] = useState<string>();
  const [wanted, setWanted] = useState('');
  const [entries, setEntries] = useState<readonly LanguageEntry[]>();
  const [version, setVersion] = useState(0);

  const known = useRef(false);

  useEffect(() => {
    const leaving = new AbortController();
    const read = async (): Promise<void> => {
      try {
        // What the program is and what Lua knows there does not change while it runs.
        if (!known.current) {
          setStatus(await api.status());
          setEntries(await api.language());
          known.current = true;
        }
        setRows(await api.functions());
        setVersion((before) => before + 1);
        setFailure(undefined);
      } catch (error) {
        if (error instanceof ApiFailure) setFailure(error);
        else throw error;
      }
    };
    void read();
    void followChanges(leaving.signal, {
      event: () => void read(),
      lost: () => setFailure(new ApiFailure(0, 'The connection to Moonhook is gone; trying again.')),
    });
    return () => {
      leaving.abort();
    };
  }, []);

  if (failure?.status === 401) {
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
  const shown = rows.filter(({ namespace, name }) => `${namespace}/${name}`.includes(wanted));
  const current = rows.find(({ namespace, name }) => `${namespace}/${name}` === open);
  return (
    <>
      <nav aria-label="Functions">
        <h2>
          Moonhook <small>{status?.version}</small>
        </h2>
        <input
          type="search"
          aria-label="Find a function"
          placeholder="Find"
          value={wanted}
          onInput={(event) => setWanted(event.currentTarget.value)}
        />
        <ul>
          {shown.map((row) => {
            const key = `${row.namespace}/${row.name}`;
            return (
              <li key={key}>
                <button type="button" aria-current={key === open ? 'page' : undefined} onClick={() => setOpen(key)}>
                  <span class={`dot state-${row.ready}`} role="img" aria-label={row.reason} />
                  {key}
                </button>
              </li>
            );
          })}
        </ul>
      </nav>
      <main>
        {failure === undefined ? null : <p role="alert">{failure.message}</p>}
        {current === undefined || entries === undefined ? (
          <p class="hint">{status === undefined ? '' : `Functions of ${status.place}. Choose one.`}</p>
        ) : (
          <FunctionPage key={open} row={current} entries={entries} version={version} />
        )}
      </main>
    </>
  );
}
