/** A new function: what it starts from, its name, its secret; the first thing to see where there is no function yet. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { NamespaceChoice, StartingPoint } from '../../editing-source.ts';
import { editApi } from '../edit/edit-api.ts';
import { Prose } from '../edit/prose.tsx';
import { goTo, hrefOf } from '../watch/hash-route.ts';
import { keepMade } from './kept-made.ts';
import { StartingPoints } from './starting-points.tsx';
import './new.css';

export interface NewPageProps {
  /** True: there is no function yet. */
  readonly first: boolean;
}

const none: readonly never[] = [];
const namePattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

export function NewPage({ first }: NewPageProps) {
  const [points, setPoints] = useState<readonly StartingPoint[]>(none);
  const [namespaces, setNamespaces] = useState<NamespaceChoice>();
  const [place, setPlace] = useState('');
  const [key, setKey] = useState<string>();
  const [name, setName] = useState('');
  const [secret, setSecret] = useState('');
  const [message, setMessage] = useState('');
  const [making, setMaking] = useState(false);
  const nameField = useRef<HTMLInputElement>(null);
  useEffect(() => {
    editApi.startingPoints().then(
      (found) => {
        setPoints(found.points);
        setNamespaces(found.namespaces);
        setPlace(found.namespaces?.usual ?? '');
      },
      (error: Error) => setMessage(error.message),
    );
  }, []);
  const point = useMemo(() => points.find((each) => each.key === key), [points, key]);
  const proposed = point === undefined ? '' : proposalOf(point);
  const called = name === '' ? proposed : name;
  const mistake = called === '' || namePattern.test(called) ? '' : 'A name is made of a-z, 0-9 and -, at most 63.';
  const choose = (next: string): void => {
    setKey(next);
    setSecret('');
    setMessage('');
    // Drawn first: the field comes with the choice.
    requestAnimationFrame(() => {
      nameField.current?.focus();
      nameField.current?.scrollIntoView({ block: 'nearest' });
    });
  };
  const create = async (): Promise<void> => {
    if (point === undefined || mistake !== '' || making) return;
    setMaking(true);
    try {
      const result = await editApi.create({
        name: called,
        from: point.key,
        ...(secret === '' ? {} : { secret }),
        ...(place === '' ? {} : { namespace: place }),
      });
      if (result.kind === 'refused') setMessage(result.message);
      else {
        keepMade({ ...result, title: point.title, setUp: point.setUp });
        goTo(hrefOf('functions', [result.namespace, result.name]));
      }
    } catch (error) {
      setMessage(error instanceof Error ? error.message : String(error));
    }
    setMaking(false);
  };
  return (
    <article class="page new-page">
      <h1>{first ? 'Write the first function' : 'New function'}</h1>
      <p class="hint">
        {first
          ? 'A function is a few lines of Lua and what makes them run. Choose what it shall answer; everything can be changed afterwards.'
          : 'Choose what it shall answer; everything can be changed afterwards.'}
      </p>
      <StartingPoints points={points} chosen={key} onChoose={choose} />
      {point === undefined ? null : (
        <form
          class="new-form"
          aria-label={`New function from ${point.title}`}
          onSubmit={(event) => {
            event.preventDefault();
            void create();
          }}
        >
          <h2>{point.title}</h2>
          <p class="hint">
            <Prose text={point.description} />
          </p>
          <label>
            Name
            <input
              ref={nameField}
              value={name}
              placeholder={proposed}
              spellcheck={false}
              autocomplete="off"
              aria-invalid={mistake !== ''}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          </label>
          {namespaces === undefined ? null : (
            <label>
              Namespace
              <input
                value={place}
                list="namespaces"
                readonly={namespaces.names.length === 0}
                spellcheck={false}
                autocomplete="off"
                onInput={(event) => setPlace(event.currentTarget.value)}
              />
              <datalist id="namespaces">
                {namespaces.names.map((each) => (
                  <option key={each} value={each} />
                ))}
              </datalist>
            </label>
          )}
          {point.secret === undefined ? null : (
            <label>
              Secret of the sender
              <input
                type="password"
                value={secret}
                placeholder={point.secret.generated ? 'a new one is made' : 'to be pasted, now or later'}
                autocomplete="off"
                onInput={(event) => setSecret(event.currentTarget.value)}
              />
              <span class="about">
                <Prose text={point.secret.about} />
              </span>
            </label>
          )}
          <p role="alert" class="error">
            {mistake || message}
          </p>
          <button type="submit" class="primary" disabled={making || mistake !== ''}>
            Create {called}
          </button>
        </form>
      )}
      {point === undefined && message !== '' ? (
        <p role="alert" class="error">
          {message}
        </p>
      ) : null}
    </article>
  );
}

function proposalOf({ key, title }: StartingPoint): string {
  if (key === 'receiver:open') return 'hello';
  const words = title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return `on-${words}`.slice(0, 63).replace(/-+$/, '');
}
