/** What the installation refuses for now, whoever asks: a quota is used up, the disk is nearly full. The message says so and what to do. */
export class Refusal extends Error {}
