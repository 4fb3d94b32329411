/** Starting points in groups, found by name. */
import { useEffect, useState } from 'preact/hooks';
import type { StartingPoint } from '../../editing-source.ts';

const groups: readonly (readonly [StartingPoint['group'], string])[] = [
  ['kind', 'What happens inside'],
  ['proof', 'Anybody who can prove it'],
  ['sender', 'Senders'],
];

export interface StartingPointsProps {
  readonly points: readonly StartingPoint[];
  readonly chosen: string | undefined;
  onChoose(key: string): void;
}

export function StartingPoints({ points, chosen, onChoose }: StartingPointsProps) {
  const [find, setFind] = useState('');
  const wanted = find.trim().toLowerCase();
  const shown = points.filter(({ title, key }) => `${title} ${key}`.toLowerCase().includes(wanted));
  // Somebody may type faster than the list comes.
  const [entered, setEntered] = useState(false);
  useEffect(() => {
    const [only] = shown;
    if (!entered || only === undefined) return;
    setEntered(false);
    onChoose(only.key);
  }, [entered, points]);
  return (
    <section aria-label="Starting points">
      <input
        type="search"
        class="find-point"
        aria-label="Find a starting point"
        placeholder="Find: GitHub, Stripe, schedule …"
        value={find}
        onInput={(event) => {
          setFind(event.currentTarget.value);
          setEntered(false);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') setEntered(wanted !== '' || shown.length > 0);
        }}
      />
      {shown.length === 0 && points.length > 0 ? (
        <p class="hint">
          Nothing of that name. Senders that are not listed mostly fit HMAC, a bearer token or a custom verifier.
        </p>
      ) : null}
      {groups.map(([group, title]) => {
        const own = shown.filter((point) => point.group === group);
        if (own.length === 0) return null;
        return (
          <div key={group} role="group" aria-label={title}>
            <h2>{title}</h2>
            <ul class="points">
              {own.map(({ key, title: words }) => (
                <li key={key}>
                  <button type="button" aria-pressed={key === chosen} onClick={() => onChoose(key)}>
                    {words}
                  </button>
                </li>
              ))}
            </ul>
          </div>
        );
      })}
    </section>
  );
}
