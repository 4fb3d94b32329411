/** Calls a function by name, past every receiver: it is live, and the call is real. */
import { useState } from 'preact/hooks';
import type { FunctionRow } from '../../console-source.ts';
import { watchApi, type InvokeAnswer } from './watch-api.ts';

export function InvokePanel({ row }: { readonly row: FunctionRow }) {
  const { namespace, name, triggers } = row;
  const [trigger, setTrigger] = useState('');
  const [method, setMethod] = useState('POST');
  const [path, setPath] = useState('');
  const [body, setBody] = useState('{}');
  const [later, setLater] = useState(false);
  const [running, setRunning] = useState(false);
  const [answer, setAnswer] = useState<InvokeAnswer>();
  const [message, setMessage] = useState('');
  const call = async (): Promise<void> => {
    setRunning(true);
    setMessage('');
    setAnswer(undefined);
    const bare = method === 'GET' || method === 'HEAD';
    try {
      const given = bare ? {} : { body, contentType: 'application/json' };
      const chosen = { ...(trigger === '' ? {} : { trigger }), ...(path === '' ? {} : { path }) };
      setAnswer(await watchApi.invoke({ namespace, name, method, ...chosen, ...given, ...(later ? { later } : {}) }));
    } catch (error) {
      setMessage(error instanceof Error ? error.message : String(error));
    }
    setRunning(false);
  };
  return (
    <form
      class="fill"
      aria-label="Invoke"
      onSubmit={(event) => {
        event.preventDefault();
        void call();
      }}
    >
      <p class="hint">The live function runs with its real store and secrets, as with moonhook invoke.</p>
      <div class="filters">
        <label>
          Handler of trigger
          <select value={trigger} onChange={(event) => setTrigger(event.currentTarget.value)}>
            <option value="">call, else default</option>
            {triggers.map((each) => (
              <option key={each.name}>{each.name}</option>
            ))}
          </select>
        </label>
        <label>
          Method
          <select value={method} onChange={(event) => setMethod(event.currentTarget.value)}>
            {['POST', 'GET', 'PUT', 'PATCH', 'DELETE'].map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        <label>
          Path and query
          <input value={path} placeholder="/items/7?x=1" onInput={(event) => setPath(event.currentTarget.value)} />
        </label>
        <label class="check">
          <input type="checkbox" checked={later} onChange={(event) => setLater(event.currentTarget.checked)} />
          store it and run it later
        </label>
        <button type="submit" class="primary" disabled={running}>
          {running ? 'Calling …' : 'Call it'}
        </button>
      </div>
      <label class="wide">
        Body, as JSON
        <textarea rows={5} value={body} onInput={(event) => setBody(event.currentTarget.value)} />
      </label>
      <p role="status" class="error">
        {message}
      </p>
      {answer === undefined ? null : (
        <>
          <p>
            <span class={`badge ${answer.status < 400 ? 'outcome-ok' : 'outcome-error'}`}>{answer.status}</span>{' '}
            <span class="hint">{answer.headers['content-type']}</span>
          </p>
          <pre aria-label="Answer of the call">{answer.body === '' ? '(empty)' : answer.body}</pre>
          {answer.cut ? <p class="hint">The rest of the answer is not shown.</p> : null}
        </>
      )}
    </form>
  );
}
