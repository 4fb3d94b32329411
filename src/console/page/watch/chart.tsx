/** A small line chart: the newest values in words above it, any point by mouse or arrow keys, all of it as a table below. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { linePath, niceTop, type Values } from './chart-shape.ts';

export interface ChartLine {
  readonly name: string;
  /** A class of the style sheet that gives the colour. */
  readonly tone: 'accent' | 'bad' | 'unsure' | 'faint';
  readonly values: Values;
}

export interface ChartProps {
  readonly title: string;
  readonly lines: readonly ChartLine[];
  /** Milliseconds since the epoch. */
  readonly times: readonly number[];
  format(value: number): string;
  /** The least that the upper edge stands for. */
  readonly least?: number;
}

const height = 84;
/** Rows of the table: more nobody reads. */
const tableRows = 30;

export function Chart({ title, lines, times, format, least = 0 }: ChartProps) {
  const [width, setWidth] = useState(320);
  const [chosen, setChosen] = useState<number>();
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const seen = new ResizeObserver(() => setWidth(Math.max(120, element.clientWidth)));
    seen.observe(element);
    return () => {
      seen.disconnect();
    };
  }, []);
  const last = times.length - 1;
  const at = chosen === undefined ? last : Math.min(chosen, last);
  const top = niceTop([...lines.map(({ values }) => values), [least]]);
  const shape = { width, height, top };
  const say = (value: number | null | undefined): string =>
    value === null || value === undefined ? '-' : format(value);
  const clock = (index: number): string =>
    times[index] === undefined ? '' : new Date(times[index]).toLocaleTimeString();
  const step = last > 0 ? width / last : 0;
  const summary = lines.map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    return `${name} ${say(values.at(-1))}, highest ${say(known.length === 0 ? null : Math.max(...known))}`;
  });
  const walk = (event: KeyboardEvent): void => {
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: last, Escape: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    setChosen(event.key === 'Escape' ? undefined : Math.max(0, Math.min(last, to)));
  };
  return (
    <figure class="chart" aria-label={title}>
      <figcaption>
        <span class="title">{title}</span>
        {lines.map(({ name, tone, values }) => (
          <span key={name} class={`value tone-${tone}`}>
            <i aria-hidden="true" />
            <b>{say(values[at])}</b> {lines.length > 1 ? name : ''}
          </span>
        ))}
        <span class="hint at">{chosen === undefined ? '' : clock(at)}</span>
      </figcaption>
      <div ref={box}>
        <svg
          width={width}
          height={height}
          role="img"
          tabIndex={0}
          aria-label={`${title}: ${summary.join('; ')}`}
          onKeyDown={walk}
          onBlur={() => setChosen(undefined)}
          onMouseMove={(event) => setChosen(step === 0 ? undefined : Math.round(event.offsetX / step))}
          onMouseLeave={() => setChosen(undefined)}
        >
          <path class="grid" d={`M0 .5H${width}M0 ${height / 2}H${width}M0 ${height - 0.5}H${width}`} />
          <text x="2" y="11">
            {format(top)}
          </text>
          {lines.map(({ name, tone, values }) => (
            <path key={name} class={`line tone-${tone}`} d={linePath(values, shape)} />
          ))}
          {chosen === undefined ? null : <path class="cross" d={`M${(at * step).toFixed(1)} 0V${height}`} />}
        </svg>
      </div>
      <div class="axis hint">
        <span>{clock(0)}</span>
        <details>
          <summary>Table</summary>
          <table aria-label={`${title} as a table`}>
            <thead>
              <tr>
                <th>Time</th>
                {lines.map(({ name }) => (
                  <th key={name}>{name}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {times.slice(-tableRows).map((_, offset, shown) => {
                const index = times.length - 1 - offset;
                return shown.length === 0 ? null : (
                  <tr key={index}>
                    <td>{clock(index)}</td>
                    {lines.map(({ name, values }) => (
                      <td key={name}>{say(values[index])}</td>
                    ))}
                  </tr>
                );
              })}
            </tbody>
          </table>
        </details>
        <span>{clock(last)}</span>
      </div>
    </figure>
  );
}

/** A line as small as a word; the words beside it say the same. */
export function Spark({ values }: { readonly values: readonly number[] }) {
  const shape = { width: 90, height: 18, top: niceTop([values]) };
  return (
    <svg class="spark" width="90" height="20" viewBox="0 -1 90 20" aria-hidden="true">
      <path class="line tone-accent" d={linePath(values, shape)} />
    </svg>
  );
}
