/** How long the fault tests are: short within all tests, long alone (`npm run test:faults`); and their seed. */

const long = process.env['MOONHOOK_FAULTS'] === 'long';

/** How often a fault strikes. */
export function times(short: number, longRun: number): number {
  return long ? longRun : short;
}

/** Printed by each test that uses it, so that a failure can be repeated. */
export const seed = Number(process.env['MOONHOOK_SEED'] ?? Date.now() % 1_000_000);

/** A small generator of numbers from 0 up to 1. */
export function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    // In whole numbers: as a product of floating point it loses its low bits, and some seeds repeat after a hundred steps.
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7f_ff_ff_ff;
    return state / 2 ** 31;
  };
}
