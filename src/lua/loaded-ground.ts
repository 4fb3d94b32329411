/** The ground of function images: the base image with a small function loaded into it, as any function is. */
import type { BaseImage } from './base-image.ts';
import { capture, type Capture } from './image.ts';
import type { ImageBuilder } from './image-builder.ts';
import { breakPointer, statusOk, tags } from './layout.ts';
import { sealStart } from './seal-start.ts';
import type { Prelude } from './types.ts';

/** The smaller what it loads differs from what users write, the smaller their images. */
export const smallFunction: Prelude = {
  name: 'function',
  source: `
    return function(event)
      return { status = 200, body = "" }
    end`,
};

/** Of the steps tried (8 to 1024) images were smallest with this one. */
const codeStep = 256;

/** Code of nearly the same length takes as much of the heap: what is made after it lies where it lies in the ground. */
export function padCode(code: Uint8Array): Uint8Array {
  const padded = new Uint8Array(Math.ceil(code.length / codeStep) * codeStep);
  padded.set(code);
  return padded;
}

/** Loads the bytecode in the builder's machine, which has just been captured as the base image. */
export function loadGround(
  builder: ImageBuilder,
  base: Pick<BaseImage, 'thread' | 'state' | 'control'>,
  code: Uint8Array,
): Capture {
  const { exports, views } = builder;
  const { thread, control } = base;
  views.pushObject(thread, control.start, tags.luaFunction);
  views.pushText(thread, smallFunction.name);
  views.pushBytes(thread, padCode(code));
  for (let empty = 0; empty < 3; empty += 1) {
    exports.lua_createtable(thread, 0, 0);
    views.refresh();
  }
  if (exports.mh_resume(thread, 5, 0) !== statusOk) throw new Error('the small function of the image does not load');
  views.refresh();
  sealStart(builder, base);
  return capture(views.u8, exports.mh_still_end(), views.word(breakPointer));
}
