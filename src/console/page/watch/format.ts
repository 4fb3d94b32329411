/** Times, spans and sizes in the fewest signs that still say it. Pure. */

/** `840 µs`, `12.4 ms`, `3.2 s`, `5 min`. */
export function formatMs(ms: number): string {
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 100) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return formatSpan(ms);
}

/** `3.2 s`, `5 min`, `2 h`, `4 d`: of what is longer than a second. */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** `3 min ago`, `in 12 s`. */
export function formatWhen(at: number, now: number): string {
  const away = at - now;
  return away > 0 ? `in ${formatSpan(away)}` : `${formatSpan(-away)} ago`;
}

/** `10:04:31.204`, with its day where it is not today's. */
export function formatClock(at: number, now: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  const exact = `${time}.${String(date.getMilliseconds()).padStart(3, '0')}`;
  if (new Date(now).toDateString() === date.toDateString()) return exact;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${time}`;
}

/** Three digits that count: `1,240`, `12.4`, `0.08`. */
export function formatNumber(value: number): string {
  if (value === 0) return '0';
  if (value >= 1000) return Math.round(value).toLocaleString('en');
  if (value >= 100) return value.toFixed(0);
  return trimmed(value, value >= 10 ? 1 : 2);
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}
