/** Quantiles out of a histogram, as Prometheus' `histogram_quantile` estimates them: evenly within a bucket. Pure. */

/** `counts`: not cumulative, one more than `bounds`; undefined: nothing was counted. The open bucket answers its lower bound. */
export function quantileOf(share: number, bounds: readonly number[], counts: readonly number[]): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total <= 0) return undefined;
  const rank = share * total;
  let before = 0;
  for (const [index, bound] of bounds.entries()) {
    const count = counts[index] ?? 0;
    if (count > 0 && before + count >= rank) {
      const low = index === 0 ? 0 : (bounds[index - 1] ?? 0);
      return low + ((bound - low) * (rank - before)) / count;
    }
    before += count;
  }
  return bounds.at(-1);
}
