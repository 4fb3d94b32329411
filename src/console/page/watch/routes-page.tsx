/** The route table, and why something did not fire: what takes a path, what became of an id. */
import { useState } from 'preact/hooks';
import type { RouteRow } from '../../watch-source.ts';
import type { Column } from './data-table.tsx';
import { hrefOf } from './hash-route.ts';
import { PageHeader } from './page-header.tsx';
import { PagedTable } from './paged-table.tsx';
import { StoryPanel } from './story-panel.tsx';
import { usePages } from './use-pages.ts';
import { watchApi, type RouteVerdict } from './watch-api.ts';

export function RoutesPage({ version }: { readonly version: number }) {
  const [find, setFind] = useState('');
  const pages = usePages((offset, limit, signal) => watchApi.routes(find, offset, limit, signal), find, version);
  return (
    <article class="page">
      <PageHeader title="Routes" />
      <WhyNot />
      <div class="filters">
        <label>
          Find
          <input
            type="search"
            value={find}
            placeholder="path, function, receiver"
            onInput={(event) => setFind(event.currentTarget.value)}
          />
        </label>
        <span class="hint">{pages.total === undefined ? '' : `${pages.total} routes`}</span>
      </div>
      <PagedTable
        pages={pages}
        filter={find}
        label="Routes"
        columns={columns}
        empty={<p class="hint">No route of this kind.</p>}
      />
    </article>
  );
}

const columns: readonly Column<RouteRow>[] = [
  { title: 'Host', width: 'minmax(70px, 0.5fr)', cell: ({ host }) => host ?? <span class="hint">any</span> },
  { title: 'Path', width: 'minmax(160px, 1.4fr)', cell: ({ path }) => <code>{path}</code> },
  { title: 'Methods', width: '120px', cell: ({ methods }) => (methods.length === 0 ? 'any' : methods.join(' ')) },
  {
    title: 'Function',
    width: 'minmax(120px, 1fr)',
    cell: ({ namespace, name }) => (
      <a href={hrefOf('functions', [namespace, name])}>
        {namespace}/{name}
      </a>
    ),
  },
  { title: 'Trigger', width: 'minmax(80px, 0.6fr)', cell: ({ trigger }) => trigger },
  { title: 'Receiver', width: 'minmax(80px, 0.6fr)', cell: ({ receiver }) => receiver },
  { title: 'Answers', width: '90px', cell: ({ mode }) => (mode === 'sync' ? 'at once' : '202, later') },
  {
    title: 'Problem',
    width: 'minmax(90px, 1fr)',
    cell: ({ problem }) => (problem === undefined ? '' : <span class="error">{problem}</span>),
  },
];

/** The two questions of somebody who waits for a call in vain. */
function WhyNot() {
  const [method, setMethod] = useState('POST');
  const [url, setUrl] = useState('');
  const [headers, setHeaders] = useState('');
  const [body, setBody] = useState('');
  const [verdict, setVerdict] = useState<RouteVerdict>();
  const [id, setId] = useState('');
  const [asked, setAsked] = useState<string>();
  const [message, setMessage] = useState('');
  const explain = async (): Promise<void> => {
    setMessage('');
    setVerdict(undefined);
    const lines = headers.split('\n').filter((line) => line.includes(':'));
    const given = lines.map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at).trim(), line.slice(at + 1).trim()] as const;
    });
    try {
      const request = { method, url, headers: Object.fromEntries(given), ...(body === '' ? {} : { body }) };
      setVerdict(await watchApi.explainRequest(request));
    } catch (error) {
      setMessage(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <section class="why" aria-label="Why did it not fire?">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void explain();
        }}
      >
        <h2>What takes this request?</h2>
        <div class="filters">
          <label>
            Method
            <select value={method} onChange={(event) => setMethod(event.currentTarget.value)}>
              {['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'].map((each) => (
                <option key={each}>{each}</option>
              ))}
            </select>
          </label>
          <label class="wide">
            Path or URL
            <input value={url} placeholder="/team-a/push" onInput={(event) => setUrl(event.currentTarget.value)} />
          </label>
          <button type="submit" disabled={url === ''}>
            Explain
          </button>
        </div>
        <details>
          <summary>Headers and body, to see whether its sender verifies</summary>
          <div class="filters">
            <label class="wide">
              Headers
              <textarea rows={4} value={headers} onInput={(event) => setHeaders(event.currentTarget.value)} />
            </label>
            <label class="wide">
              Body
              <textarea rows={4} value={body} onInput={(event) => setBody(event.currentTarget.value)} />
            </label>
          </div>
        </details>
        <p role="status" class="error">
          {message}
        </p>
        {verdict === undefined ? null : (
          <div>
            <pre class={`lines${verdict.match === 'found' ? '' : ' failed'}`} aria-label="Explanation">
              {verdict.lines.join('\n')}
            </pre>
            {verdict.taker === undefined ? null : (
              <a href={hrefOf('functions', [verdict.taker.namespace, verdict.taker.name])}>
                {verdict.taker.namespace}/{verdict.taker.name}
              </a>
            )}
          </div>
        )}
      </form>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setAsked(id);
        }}
      >
        <h2>What became of this id?</h2>
        <div class="filters">
          <label class="wide">
            Call, event, delivery, or the sender's own id
            <input value={id} onInput={(event) => setId(event.currentTarget.value.trim())} />
          </label>
          <button type="submit" disabled={id === ''}>
            Tell
          </button>
        </div>
      </form>
      {asked === undefined ? null : (
        <StoryPanel namespace={undefined} id={asked} version={0} onClose={() => setAsked(undefined)} />
      )}
    </section>
  );
}
