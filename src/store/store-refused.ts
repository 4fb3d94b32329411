/** A store that must not be opened; the message says why and what to do. */
export class StoreRefused extends Error {}

/** Another process has the database open. */
export class StoreInUse extends StoreRefused {}
