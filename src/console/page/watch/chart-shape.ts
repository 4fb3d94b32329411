/** Lines of a chart as paths of an SVG. Pure. */

export interface ChartBox {
  readonly width: number;
  readonly height: number;
  /** The value at the top edge. */
  readonly top: number;
}

export type Values = readonly (number | null)[];

/** The path of a line; where nothing was measured it is broken. A lone point is a short dash. */
export function linePath(values: Values, { width, height, top }: ChartBox): string {
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  let path = '';
  let drawing = false;
  for (const [index, value] of values.entries()) {
    if (value === null) {
      drawing = false;
      continue;
    }
    const x = index * step;
    const y = height - (Math.min(value, top) / top) * height;
    const alone = !drawing && (values[index + 1] ?? null) === null;
    path += `${drawing ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}${alone ? 'h1.5' : ''}`;
    drawing = true;
  }
  return path;
}

/** A round number that no value is above: 1, 2 or 5 times a power of ten. */
export function niceTop(values: readonly Values[]): number {
  const highest = Math.max(0, ...values.flatMap((each) => each.filter((value) => value !== null)));
  if (highest === 0) return 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  return ([1, 2, 5, 10].find((factor) => factor * power >= highest) ?? 10) * power;
}
