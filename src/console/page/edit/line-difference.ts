/** What two texts have in common and where they differ, line by line. */

export interface DifferenceLine {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

/** Above it, what lies between the common beginning and end is told as exchanged. */
const mostCells = 4_000_000;
/** Common lines shown around those that differ. */
const around = 3;

/** From `before` to `after`; long common stretches are left out. */
export function lineDifference(before: string, after: string): readonly DifferenceLine[] {
  const [old, now] = [before.split('\n'), after.split('\n')];
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < Math.min(old.length, now.length) - start && old.at(-1 - end) === now.at(-1 - end)) end += 1;
  const middle = differences(old.slice(start, old.length - end), now.slice(start, now.length - end));
  const same = (lines: readonly string[]): DifferenceLine[] => lines.map((text) => ({ sign: ' ', text }));
  return shortened([...same(old.slice(0, start)), ...middle, ...same(old.slice(old.length - end))]);
}

/** By the longest common subsequence. */
function differences(old: readonly string[], now: readonly string[]): readonly DifferenceLine[] {
  const removed = (text: string): DifferenceLine => ({ sign: '-', text });
  const added = (text: string): DifferenceLine => ({ sign: '+', text });
  if (old.length * now.length > mostCells) return [...old.map(removed), ...now.map(added)];
  const width = now.length + 1;
  const lengths = new Uint32Array((old.length + 1) * width);
  for (let row = old.length - 1; row >= 0; row -= 1) {
    for (let column = now.length - 1; column >= 0; column -= 1) {
      const here = row * width + column;
      lengths[here] =
        old[row] === now[column]
          ? (lengths[here + width + 1] ?? 0) + 1
          : Math.max(lengths[here + width] ?? 0, lengths[here + 1] ?? 0);
    }
  }
  const lines: DifferenceLine[] = [];
  let [row, column] = [0, 0];
  while (row < old.length || column < now.length) {
    const here = row * width + column;
    const [one, other] = [old[row], now[column]];
    if (one !== undefined && one === other) {
      lines.push({ sign: ' ', text: one });
      row += 1;
      column += 1;
    } else if (one !== undefined && (other === undefined || (lengths[here + width] ?? 0) >= (lengths[here + 1] ?? 0))) {
      lines.push(removed(one));
      row += 1;
    } else if (other !== undefined) {
      lines.push(added(other));
      column += 1;
    }
  }
  return lines;
}

function shortened(lines: readonly DifferenceLine[]): readonly DifferenceLine[] {
  const near = new Set<number>();
  for (const [index, { sign }] of lines.entries()) {
    if (sign === ' ') continue;
    for (let at = index - around; at <= index + around; at += 1) near.add(at);
  }
  return lines.flatMap((line, index) => {
    if (near.has(index)) return [line];
    return near.has(index - 1) || (index === 0 && near.size > 0) ? [{ sign: ' ', text: '…' } as const] : [];
  });
}
