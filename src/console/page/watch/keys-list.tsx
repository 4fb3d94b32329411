/** Keys of a function, or shared ones of a namespace: read, changed only if nobody else did meanwhile, deleted after a question. */
import { useState } from 'preact/hooks';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { DataTable } from './data-table.tsx';
import { formatWhen } from './format.ts';
import { useFeed } from './use-feed.ts';
import { watchApi, type KeyRow } from './watch-api.ts';

const pageRows = 100;

/** Whose keys. */
export interface KeySpace {
  readonly namespace: string;
  readonly function?: string;
  readonly shared?: string;
}

export function KeysList({ space, version }: { readonly space: KeySpace; readonly version: number }) {
  const [prefix, setPrefix] = useState('');
  const [edited, setEdited] = useState<{ readonly key: string; readonly text: string; readonly version?: number }>();
  const [deleted, setDeleted] = useState<KeyRow>();
  const [message, setMessage] = useState('');
  const feed = useFeed<KeyRow>({
    key: JSON.stringify([space, prefix]),
    version,
    idOf: ({ key }) => key,
    read: async (after, signal) => {
      const query = { ...space, prefix, values: 'true', limit: String(pageRows), continue: after };
      const { metadata, items } = await watchApi.keys(query, signal);
      return { rows: items, ...(metadata.continue === undefined ? {} : { next: metadata.continue }) };
    },
  });
  const settle = async (act: () => Promise<unknown>, said: string): Promise<void> => {
    try {
      await act();
      setMessage(said);
      setEdited(undefined);
    } catch (error) {
      setMessage(error instanceof Error ? error.message : String(error));
    }
    feed.again();
  };
  const { rows } = feed;
  return (
    <div class="fill">
      <div class="filters">
        <label>
          Keys that begin with
          <input value={prefix} onInput={(event) => setPrefix(event.currentTarget.value)} />
        </label>
        <button type="button" onClick={() => setEdited({ key: '', text: '""', version: 0 })}>
          New key
        </button>
        <span role="status" class="hint">
          {message}
        </span>
      </div>
      {edited === undefined ? null : (
        <form
          class="card key-form"
          onSubmit={(event) => {
            event.preventDefault();
            const expected = edited.version === undefined ? {} : { version: edited.version };
            void settle(() => watchApi.setKey({ ...space, key: edited.key, value: edited.text, ...expected }), 'Kept.');
          }}
        >
          <label>
            Key
            <input
              value={edited.key}
              readOnly={edited.version !== 0}
              onInput={(event) => setEdited({ ...edited, key: event.currentTarget.value })}
            />
          </label>
          <label class="wide">
            Value, as JSON
            <textarea
              rows={5}
              value={edited.text}
              onInput={(event) => setEdited({ ...edited, text: event.currentTarget.value })}
            />
          </label>
          <button type="submit" disabled={edited.key === ''}>
            Keep
          </button>
          <button type="button" onClick={() => setEdited(undefined)}>
            Leave it
          </button>
        </form>
      )}
      {feed.failure === undefined ? null : <p class="error">{feed.failure.message}</p>}
      {rows === undefined ? null : (
        <DataTable<KeyRow>
          label="Keys"
          columns={[
            { title: 'Key', width: 'minmax(140px, 1fr)', cell: ({ key }) => <code>{key}</code> },
            { title: 'Value', width: 'minmax(180px, 2fr)', cell: (row) => <code>{textOf(row)}</code> },
            { title: 'Version', width: '80px', end: true, cell: (row) => row.version },
            {
              title: 'Expires',
              width: '100px',
              cell: ({ expires }) => (expires === undefined ? '-' : formatWhen(Date.parse(expires), Date.now())),
            },
            {
              title: 'Change',
              width: '140px',
              cell: (row) => (
                <>
                  <button
                    type="button"
                    class="link"
                    disabled={row.valueBase64 !== undefined}
                    aria-label={`Edit ${row.key}`}
                    onClick={() =>
                      setEdited({ key: row.key, text: JSON.stringify(row.value, undefined, 2), version: row.version })
                    }
                  >
                    Edit
                  </button>{' '}
                  <button type="button" class="link" aria-label={`Delete ${row.key}`} onClick={() => setDeleted(row)}>
                    Delete
                  </button>
                </>
              ),
            },
          ]}
          count={rows.length}
          row={(index) => rows[index]}
          onShow={(_first, last) => {
            if (last > rows.length - 40) feed.older();
          }}
          empty={<p class="hint">No keys here.</p>}
        />
      )}
      {deleted === undefined ? null : (
        <ConfirmDialog
          title="Delete a key?"
          action="Delete"
          onCancel={() => setDeleted(undefined)}
          onConfirm={() => {
            setDeleted(undefined);
            const { key, version: known } = deleted;
            void settle(() => watchApi.deleteKey({ ...space, key, version: String(known) }), 'Deleted.');
          }}
        >
          <p>
            <code>{deleted.key}</code> goes, if nobody changed it since you read it. It cannot be brought back.
          </p>
        </ConfirmDialog>
      )}
    </div>
  );
}

function textOf({ value, valueBase64 }: KeyRow): string {
  return valueBase64 === undefined ? JSON.stringify(value) : `${valueBase64} (base64)`;
}
