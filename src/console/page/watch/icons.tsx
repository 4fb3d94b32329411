/** Small pictures beside words: never alone, so they say nothing to a screen reader. */

const paths = {
  overview: 'M2 12h3l2-7 3 10 2-6 1 3h3',
  calls: 'M3 4h12M3 9h12M3 14h8',
  deliveries: 'M2 6l7-3 7 3v6l-7 3-7-3zM2 6l7 3 7-3M9 9v6',
  dead: 'M9 2l7 13H2zM9 7v4M9 13v.1',
  subscriptions: 'M3 13a10 10 0 0 1 10-10M3 13a6 6 0 0 1 6-6M3 14h1M13 14l2 2M11 12l5 0M13 9l2-2',
  routes: 'M4 3v6a3 3 0 0 0 3 3h7M11 9l3 3-3 3M4 15v-1',
  schedules: 'M9 2a7 7 0 1 0 .1 0M9 5v4l3 2',
  keys: 'M6 9a3 3 0 1 0 .1 0M8.5 10.5L16 3M13 6l2 2',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 18 18" width="16" height="16" aria-hidden="true">
      <path d={paths[name]} fill="none" stroke="currentColor" stroke-width="1.4" stroke-linejoin="round" />
    </svg>
  );
}
