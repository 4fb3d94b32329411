/** Whose table a runtime follows: that of the highest epoch; without a leader it keeps what it has, else takes any. Pure. */

export interface Standing {
  /** Of the link. */
  readonly id: string;
  /** 0: not the leader. */
  readonly epoch: number;
  /** It has read everything its table is built of. */
  readonly synced: boolean;
}

/** `held`: epoch of the table that serves, 0: a replica's that did not lead; undefined: there is none yet. */
export function chooseController(
  links: readonly Standing[],
  followed: string | undefined,
  held: number | undefined,
): string | undefined {
  const candidates = links.filter(({ epoch, synced }) => synced && epoch >= (held ?? 0));
  const highest = Math.max(...candidates.map(({ epoch }) => epoch));
  const best = candidates.filter(({ epoch }) => epoch === highest).map(({ id }) => id);
  return followed !== undefined && best.includes(followed) ? followed : best.sort()[0];
}
