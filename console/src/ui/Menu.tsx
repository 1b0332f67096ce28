import { Menu as MantineMenu } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';

export interface MenuChoice {
  key: string;
  label: ReactNode;
  icon?: ReactNode;
  /** One of several of which one is in force; it is marked. */
  chosen?: boolean;
  onChoose: () => void;
}

/** What a button unfolds. `groups` are separated by their names. */
export function Menu({ target, groups }: { target: ReactElement; groups: readonly { name: string; choices: readonly MenuChoice[] }[] }) {
  return (
    <MantineMenu position="bottom-end" unstyled classNames={{ dropdown: 'menu', item: 'menu-item', label: 'menu-label', itemSection: 'menu-icon', itemLabel: 'menu-text', itemIndicator: 'vh' }} transitionProps={{ duration: 0 }}>
      <MantineMenu.Target>{target}</MantineMenu.Target>
      <MantineMenu.Dropdown>
        {groups.map((group) => (
          <div key={group.name} role="group" aria-label={group.name}>
            <MantineMenu.Label>{group.name}</MantineMenu.Label>
            {group.choices.map((choice) =>
              choice.chosen === undefined ? (
                <MantineMenu.Item key={choice.key} leftSection={choice.icon} onClick={choice.onChoose}>
                  {choice.label}
                </MantineMenu.Item>
              ) : (
                // The tick is drawn by our style, from aria-checked.
                <MantineMenu.RadioItem key={choice.key} value={choice.key} checked={choice.chosen} closeMenuOnClick checkIcon={<></>} onChange={choice.onChoose}>
                  {choice.icon}
                  {choice.label}
                </MantineMenu.RadioItem>
              ),
            )}
          </div>
        ))}
      </MantineMenu.Dropdown>
    </MantineMenu>
  );
}
