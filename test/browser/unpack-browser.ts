/** Unpacks the browser of the npm package into the folder for temporary files: a program of its own, which is given another one. */
import packed from '@sparticuz/chromium';

await packed.executablePath();
