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
    <MantineMenu position="bottom-end" unstyled classNames={{ dropdown: 'menu', item: 'menu-item', label: 'menu-label', itemSection: 'menu-icon' }} transitionProps={{ duration: 0 }}>
      <MantineMenu.Target>{target}</MantineMenu.Target>
      <MantineMenu.Dropdown>
        {groups.map((group) => (
          <div key={group.name} role="group" aria-label={group.name}>
            <MantineMenu.Label>{group.name}</MantineMenu.Label>
            {group.choices.map((choice) => (
              <MantineMenu.Item
                key={choice.key}
                leftSection={choice.icon}
                {...(choice.chosen === undefined ? {} : { role: 'menuitemradio', 'aria-checked': choice.chosen })}
                onClick={choice.onChoose}
              >
                {choice.label}
              </MantineMenu.Item>
            ))}
          </div>
        ))}
      </MantineMenu.Dropdown>
    </MantineMenu>
  );
}
