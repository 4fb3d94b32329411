/** A function whose image was evicted: its top level runs once more from bytecode, and the image is kept anew. */
import type { Call } from './call.ts';
import { difference } from './image.ts';
import type { ImageCache } from './image-cache.ts';
import { statusOk } from './layout.ts';
import { pushStart } from './load-program.ts';
import type { Machine } from './machine.ts';
import { sealStart } from './seal-start.ts';
import { LuaRaise } from './types.ts';

/** A top level that took longer is run in slices when its image has to be made again. */
const quickStartMs = 5;

/** The image is gone and making it again would hold the thread. */
export function needsSlicedStart(call: Call): boolean {
  return !call.program.hasImage && call.program.startMs > quickStartMs;
}

/** Runs the top level again in one piece; the same steps as when it was loaded. */
export function startAgain(call: Call, machine: Machine, images: ImageCache): void {
  const { program } = call;
  call.loading = true;
  const args = pushStart(machine, program, program.bytecode);
  const status = machine.exports.mh_resume(program.base.thread, args, 0);
  machine.views.refresh();
  finishStart(call, machine, status, images);
}

/** The top level has run again. */
export function finishStart(call: Call, machine: Machine, status: number, images: ImageCache): void {
  const { program } = call;
  call.loading = false;
  if (status !== statusOk) throw new LuaRaise('the module failed to load');
  sealStart(machine, program.base);
  images.keep(program, difference(machine.views.u8, program.base.loaded, machine.heapEnd));
}
