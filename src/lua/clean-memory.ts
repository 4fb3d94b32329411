/** Clears what a machine holds outside its image before another namespace gets it. */
import type { BaseImage } from './base-image.ts';
import type { LuaExports } from './instance.ts';
import { breakPointer, lowEnd, scratch, stackTop } from './layout.ts';
import type { MemoryViews } from './memory-views.ts';

/** The C stack is always cleared this far down between namespaces; below lies the canary band. */
const stackClear = 32768;
/**
 * Wider than any frame: one that leaves most of itself untouched would step over it. The largest reads a decimal number
 * (musl's `decfloat`: 8 KiB of digits).
 */
const canaryBand = 16384;

/**
 * A restore protects against what was written; this against what could still be read. The image has to be restored whole
 * afterwards: a deep stack is cleared with what lies below it.
 */
export function cleanMemory(exports: LuaExports, views: MemoryViews, base: BaseImage): void {
  const { u8 } = views;
  const high = Math.min(u8.length, Math.max(exports.mh_high(), views.word(breakPointer)));
  if (high > base.heapEnd) u8.fill(0, base.heapEnd, high);
  exports.mh_reset_high();
  const touched = !views.isZero(stackTop - stackClear - canaryBand, canaryBand);
  u8.fill(0, touched ? lowEnd : stackTop - stackClear, stackTop);
  u8.fill(0, lowEnd, scratch + views.scratchUsed);
  views.scratchUsed = 0;
  views.forgetKeys();
}
