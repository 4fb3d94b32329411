/**
 * Sizes in bytes as Kubernetes quantities: `16Mi`, `1M`, `1e6`, `1048576`, `1.5Gi`.
 * https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
 * The suffixes below one (`n`, `u`, `m`) are left out on purpose: half a byte is a mistake.
 */

/** Decimal and binary suffixes and exponents; the API server checks strings with it, numbers are whole bytes. */
export const quantityPattern = '^[0-9]+(\\.[0-9]+)?([KMGTP]i|[kMGTP]|[eE][0-9]{1,2})?$';

/** Longest text of a size. */
export const quantityMaxLength = 20;

const factors: Readonly<Record<string, number>> = {
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
};

const quantityForm = new RegExp(quantityPattern);

/** Whole bytes, fractions rounded up as Kubernetes does, at most the largest exact integer; undefined: not a size. */
export function parseQuantity(value: string | number): number | undefined {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0 ? atMost(value) : undefined;
  const match = quantityForm.exec(value);
  if (!match) return undefined;
  const suffix = match[2] ?? '';
  const factor = factors[suffix];
  const bytes = Math.ceil(
    factor === undefined ? Number(value) : Number(value.slice(0, value.length - suffix.length)) * factor,
  );
  return atMost(bytes);
}

function atMost(bytes: number): number {
  return Math.min(bytes, Number.MAX_SAFE_INTEGER);
}

/** The shortest exact text of whole bytes: `16777216` is `16Mi`. */
export function formatQuantity(bytes: number): string {
  for (const suffix of ['Pi', 'Ti', 'Gi', 'Mi', 'Ki']) {
    const factor = factors[suffix] ?? 1;
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${suffix}`;
  }
  return String(bytes);
}
