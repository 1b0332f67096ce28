import { expect, it } from 'vitest';
import { doorFor } from './leave';

it('the door knows the way back to what was open', () => {
  expect(doorFor({ pathname: '/app/people/6f1c', search: '?tab=identity' })).toBe('/app/sign-in?to=%2Fpeople%2F6f1c%3Ftab%3Didentity');
  expect(doorFor({ pathname: '/app/', search: '' })).toBe('/app/sign-in');
});
