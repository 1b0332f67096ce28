import './shell.css';
import { useQueryClient, useSuspenseQuery } from '@tanstack/react-query';
import { Outlet } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { listenToChanges } from '../api/stream';
import { metaQuery } from '../api/queries';
import { ZoneContext } from '../texts/useFormats';
import { Dock, Nav } from './Nav';
import { PausedContext } from './usePaused';

/** Navigation and whatever screen is open. Times inside are in the organisation's zone. */
export function Shell() {
  const cache = useQueryClient();
  const { data: meta } = useSuspenseQuery(metaQuery);
  const [paused, setPaused] = useState(false);
  useEffect(() => listenToChanges(cache, setPaused), [cache]);
  return (
    <ZoneContext value={meta.time_zone}>
      <div className="app">
        <Nav organisation={meta.organisation} mode={meta.mode} />
        <div className="main">
          <PausedContext value={paused}>
            <Outlet />
          </PausedContext>
        </div>
      </div>
      <Dock />
    </ZoneContext>
  );
}
