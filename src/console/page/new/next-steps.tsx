/** What is left to do for a function that was just made: its URL and its secret, to be given to the sender. */
import { useState } from 'preact/hooks';
import type { FunctionRow } from '../../console-source.ts';
import { Prose } from '../edit/prose.tsx';
import { forgetMade, keptMade } from './kept-made.ts';

export function NextSteps({ row }: { readonly row: FunctionRow }) {
  const { namespace, name, url } = row;
  const [made, setMade] = useState(() => keptMade(namespace, name));
  if (made === undefined) return null;
  const done = (): void => {
    forgetMade(namespace, name);
    setMade(undefined);
  };
  const secrets = made.secrets.filter(({ value }) => value !== undefined);
  const open = made.secrets.filter(({ value }) => value === undefined);
  return (
    <section class="next-steps" aria-label="Next steps">
      <header>
        <h2>{made.place} is there. Next:</h2>
        <button type="button" class="quiet" onClick={done}>
          Done
        </button>
      </header>
      {url === undefined ? null : <Given label="URL" value={url} />}
      {secrets.map(({ name: secret, value = '' }) => (
        <Given key={secret} label={`Secret ${secret}`} value={value} hidden />
      ))}
      {made.secretPlace === undefined ? null : (
        <p class="about">
          {made.secretPlace.kind === 'file' ? (
            <>
              Written to <code>{made.secretPlace.name}</code>: keep that file out of version control.
            </>
          ) : (
            <>
              Written to the Secret <code>{made.secretPlace.name}</code>.
            </>
          )}
        </p>
      )}
      {open.map(({ name: secret }) => (
        <p class="about" key={secret}>
          <code>{secret}</code> (Secret and key) comes from the sender: put it into a Secret with the label{' '}
          <code>moonhook.dev/functions: "true"</code>, on this machine also into the file of secrets. Until then the
          trigger answers 503.
        </p>
      ))}
      {made.setUp.length === 0 ? null : (
        <ol>
          {made.setUp.map((step) => (
            <li key={step}>
              <Prose text={step} />
            </li>
          ))}
        </ol>
      )}
      {url?.startsWith('http://127.0.0.1') === true && made.setUp.length > 0 ? (
        <p class="about">
          This address is reachable from this machine only. For the sender, put a tunnel or a proxy in front and start
          with <code>--public-url</code>.
        </p>
      ) : null}
      <p class="about">
        Then press <em>Try</em> below: a genuine request of the sender, without the sender.
      </p>
    </section>
  );
}

function Given({
  label,
  value,
  hidden = false,
}: {
  readonly label: string;
  readonly value: string;
  readonly hidden?: boolean;
}) {
  const [shown, setShown] = useState(!hidden);
  const [copied, setCopied] = useState(false);
  const copy = (): void => {
    navigator.clipboard.writeText(value).then(
      () => setCopied(true),
      // A browser that does not allow it: the value is shown, to be copied by hand.
      () => setShown(true),
    );
  };
  return (
    <div class="given">
      <span>{label}</span>
      <code>{shown ? value : '•'.repeat(24)}</code>
      {hidden ? (
        <button
          type="button"
          class="quiet"
          aria-label={`${shown ? 'Hide' : 'Show'} ${label}`}
          onClick={() => setShown(!shown)}
        >
          {shown ? 'Hide' : 'Show'}
        </button>
      ) : null}
      <button type="button" class="quiet" aria-label={`Copy ${label}`} onClick={copy}>
        {copied ? 'Copied' : 'Copy'}
      </button>
    </div>
  );
}
