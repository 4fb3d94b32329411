/** The page of a section; where no such section is: the overview. */
import { CallsPage } from './calls-page.tsx';
import { DeadLettersPage, DeliveriesPage } from './deliveries-page.tsx';
import type { Place } from './hash-route.ts';
import { KeysPage } from './keys-page.tsx';
import { OverviewPage } from './overview-page.tsx';
import { RoutesPage } from './routes-page.tsx';
import { SchedulesPage } from './schedules-page.tsx';
import { SubscriptionsPage } from './subscriptions-page.tsx';
import type { Line } from './use-line.ts';

export function WatchPage({ line, place }: { readonly line: Line; readonly place: Place }) {
  const { functions, calls } = line.versions;
  switch (place.section) {
    case 'calls':
      return <CallsPage place={place} version={calls} />;
    case 'deliveries':
      return <DeliveriesPage key="deliveries" place={place} version={calls + functions} />;
    case 'dead-letters':
      return <DeadLettersPage key="dead-letters" place={place} version={calls + functions} />;
    case 'subscriptions':
      return <SubscriptionsPage version={calls + functions} />;
    case 'routes':
      return <RoutesPage version={functions} />;
    case 'schedules':
      return <SchedulesPage version={calls + functions} />;
    case 'keys':
      return <KeysPage place={place} version={calls} />;
    default:
      return <OverviewPage line={line} />;
  }
}
