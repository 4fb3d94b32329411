/** One line on the terminal that tells how far something is; nothing where there is no terminal. */

export interface Progress {
  show(what: string, done: number, total: number): void;
  /** Takes the line away. */
  end(): void;
}

/** Nothing is shown of what takes less than a second. */
const patienceMs = 1000;
const everyMs = 100;

export function startProgress(): Progress {
  const began = performance.now();
  let shownAt = 0;
  let width = 0;
  return {
    show(what, done, total) {
      const now = performance.now();
      if (!process.stderr.isTTY || now - began < patienceMs || now - shownAt < everyMs) return;
      shownAt = now;
      const percent = total === 0 ? 100 : Math.floor((done / total) * 100);
      const line = `${what.replaceAll('_', ' ')}: ${done} of ${total} (${percent} %)`;
      process.stderr.write(`\r${line.padEnd(width)}`);
      width = line.length;
    },
    end() {
      if (width > 0) process.stderr.write(`\r${' '.repeat(width)}\r`);
    },
  };
}
