/** The namespace has stored all it may: nothing was kept. The message names the quota and what to do. */
import { Refusal } from '../failures/refusal.ts';

export class StoreOverQuota extends Refusal {}
