/** The disk is nearly full: what would grow the store is refused until there is space, what ends work goes on. */
import { Refusal } from '../failures/refusal.ts';

export class StoreDiskLow extends Refusal {
  constructor(message = 'the disk of the store is nearly full: nothing new is kept until there is space') {
    super(message);
  }
}
