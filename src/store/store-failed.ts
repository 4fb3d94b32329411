/** The store could not do what was asked (disk full, connection lost, closed): nothing was kept, and it may be asked again. */
export class StoreFailed extends Error {}
