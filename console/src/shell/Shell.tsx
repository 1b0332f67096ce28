import './shell.css';
import { useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { Outlet } from '@tanstack/react-router';
import { useEffect } from 'react';
import { listenToChanges } from '../api/stream';
import { metaQuery } from '../api/queries';
import { ZoneContext } from '../texts/useFormats';
import { Dock, Nav } from './Nav';

/** Navigation and whatever screen is open. Times inside are in the organisation's zone. */
export function Shell() {
  const cache = useQueryClient();
  const { data: meta } = useSuspenseQuery(metaQuery);
  useEffect(() => listenToChanges(cache), [cache]);
  return (
    <ZoneContext value={meta.time_zone}>
      <div className="app">
        <Nav organisation={meta.organisation} mode={meta.mode} />
        <div className="main">
          <Outlet />
        </div>
      </div>
      <Dock />
    </ZoneContext>
  );
}
