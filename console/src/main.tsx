import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { firstLanguage, startTexts } from './texts/texts';
import { cache, router } from './router';
import { Provider } from './ui/Provider';

// A newer server no longer has the files this page would load: begin again with its own, once.
window.addEventListener('vite:preloadError', (event) => {
  const marker = 'terreno.reloaded';
  if (sessionStorage.getItem(marker) !== null) return;
  sessionStorage.setItem(marker, new Date().toISOString());
  event.preventDefault();
  location.reload();
});

const root = document.getElementById('root');
if (root !== null) {
  await startTexts(firstLanguage());
  createRoot(root).render(
    <StrictMode>
      <Provider>
        <QueryClientProvider client={cache}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </Provider>
    </StrictMode>,
  );
}
