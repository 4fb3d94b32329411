/** Names and values in rows: headers. */

export type Pair = readonly [name: string, value: string];

export interface PairRowsProps {
  /** What one of them is: `Header`. */
  readonly word: string;
  readonly pairs: readonly Pair[];
  onChange(pairs: readonly Pair[]): void;
}

export function PairRows({ word, pairs, onChange }: PairRowsProps) {
  const set = (index: number, pair: Pair): void => onChange(pairs.map((each, at) => (at === index ? pair : each)));
  return (
    <div class="pair-rows">
      {pairs.map(([name, value], index) => (
        <div class="row" key={index}>
          <input
            value={name}
            placeholder="name"
            aria-label={`${word} ${index + 1} name`}
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => set(index, [event.currentTarget.value, value])}
          />
          <input
            value={value}
            placeholder="value"
            aria-label={`${word} ${index + 1} value`}
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => set(index, [name, event.currentTarget.value])}
          />
          <button
            type="button"
            class="quiet"
            aria-label={`Remove ${word.toLowerCase()} ${index + 1}`}
            onClick={() => onChange(pairs.filter((_pair, at) => at !== index))}
          >
            ✕
          </button>
        </div>
      ))}
      <button type="button" class="quiet" onClick={() => onChange([...pairs, ['', '']])}>
        Add {word.toLowerCase()}
      </button>
    </div>
  );
}
