/** Of several calls to come, the earliest. */

/** While one call waits, later ones that would come after it are dropped. */
export function onceAhead(
  monotonic: () => number,
  schedule: (milliseconds: number) => () => void,
): (milliseconds: number) => void {
  let due = 0;
  let stop: (() => void) | undefined;
  return (milliseconds) => {
    const now = monotonic();
    if (due > now && due <= now + milliseconds) return;
    stop?.();
    due = now + milliseconds;
    stop = schedule(milliseconds);
  };
}
