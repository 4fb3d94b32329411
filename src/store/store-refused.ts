/** A store that must not be opened; the message says why and what to do. */
export class StoreRefused extends Error {}
