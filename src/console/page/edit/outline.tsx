/** The functions of the Lua, to go to. */
import { useMemo } from 'preact/hooks';
import { outlineOf } from '../lua-outline.ts';

export interface OutlineProps {
  readonly lua: string;
  /** Goes to a line of the Lua. */
  onGo(line: number): void;
}

export function Outline({ lua, onGo }: OutlineProps) {
  const entries = useMemo(() => outlineOf(lua), [lua]);
  if (entries.length === 0) return null;
  return (
    <label class="outline">
      Outline{' '}
      <select
        value=""
        onChange={(event) => {
          const line = Number(event.currentTarget.value);
          // What is shown is what it is for, not where one was last.
          event.currentTarget.value = '';
          onGo(line);
        }}
      >
        <option value="" disabled>
          {entries.length === 1 ? '1 function' : `${entries.length} functions`}
        </option>
        {entries.map(({ name, line }) => (
          <option key={line} value={String(line)}>
            {line}: {name}
          </option>
        ))}
      </select>
    </label>
  );
}
