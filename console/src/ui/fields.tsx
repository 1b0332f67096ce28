import { Checkbox, NativeSelect, PasswordInput, Radio, SegmentedControl, Switch, Textarea, TextInput } from '@mantine/core';
import { type ReactNode, useId } from 'react';

// Mantine ties label, hint and error to the control; the look is ours alone.
const parts = { root: 'field', label: 'label', description: 'hint', error: 'error', input: 'in', wrapper: 'in-wrap' };

interface FieldProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  hint?: ReactNode;
  error?: ReactNode;
  name?: string;
  required?: boolean;
  disabled?: boolean;
  placeholder?: string;
  autoComplete?: string;
  maxLength?: number;
}

const shared = ({ label, value, hint, error, name, required, disabled, placeholder, autoComplete, maxLength }: FieldProps) => ({
  label,
  value,
  description: hint,
  error,
  name,
  required,
  disabled,
  placeholder,
  autoComplete,
  maxLength,
  withAsterisk: false,
  // The hint stands below, so that fields side by side stay in line.
  inputWrapperOrder: ['label', 'input', 'description', 'error'] satisfies ('label' | 'input' | 'description' | 'error')[],
  unstyled: true as const,
  classNames: parts,
});

/** `suggestions` may be taken, or something else written. */
export function TextField({ type = 'text', suggestions, ...props }: FieldProps & { type?: 'text' | 'email' | 'url' | 'search'; suggestions?: readonly string[] }) {
  const list = useId();
  const field = <TextInput {...shared(props)} type={type} list={suggestions === undefined ? undefined : list} spellCheck={false} onChange={(event) => props.onChange(event.currentTarget.value)} />;
  if (suggestions === undefined) return field;
  return (
    <>
      {field}
      <datalist id={list}>
        {suggestions.map((suggestion) => (
          <option key={suggestion} value={suggestion}>
            {suggestion}
          </option>
        ))}
      </datalist>
    </>
  );
}

export function SecretField(props: FieldProps & { showLabel: string }) {
  return (
    <PasswordInput
      {...shared(props)}
      classNames={{ ...parts, input: 'in in-secret', innerInput: 'in-inner', section: 'in-section', visibilityToggle: 'btn icon sm bare' }}
      visibilityToggleButtonProps={{ 'aria-label': props.showLabel, tabIndex: 0 }}
      onChange={(event) => props.onChange(event.currentTarget.value)}
    />
  );
}

export function TextArea(props: FieldProps & { rows?: number }) {
  return <Textarea {...shared(props)} rows={props.rows ?? 3} onChange={(event) => props.onChange(event.currentTarget.value)} />;
}

export interface Choice<Value extends string> {
  value: Value;
  label: string;
  hint?: string;
}

export function SelectField<Value extends string>({ choices, ...props }: FieldProps & { choices: readonly Choice<Value>[] }) {
  return (
    <NativeSelect
      {...shared(props)}
      classNames={{ ...parts, section: 'in-chevron' }}
      data={choices.map(({ value, label }) => ({ value, label }))}
      onChange={(event) => props.onChange(event.currentTarget.value)}
    />
  );
}

export function CheckField({ label, hint, checked, onChange }: { label: string; hint?: string; checked: boolean; onChange: (checked: boolean) => void }) {
  return (
    <Checkbox
      unstyled
      label={label}
      description={hint}
      checked={checked}
      icon={() => null}
      classNames={{ root: 'check', body: 'opt', inner: 'opt-inner', label: 'opt-label', description: 'hint' }}
      onChange={(event) => onChange(event.currentTarget.checked)}
    />
  );
}

export function RadioField<Value extends string>({ label, value, choices, onChange }: { label: string; value: Value; choices: readonly Choice<Value>[]; onChange: (value: Value) => void }) {
  return (
    <Radio.Group unstyled label={label} value={value} classNames={{ root: 'field', label: 'label' }} onChange={(chosen) => onChange(choices.find((choice) => choice.value === chosen)?.value ?? value)}>
      {choices.map((choice) => (
        <Radio key={choice.value} unstyled value={choice.value} label={choice.label} description={choice.hint} icon={() => null} classNames={{ root: 'check', body: 'opt', inner: 'opt-inner', label: 'opt-label', description: 'hint' }} />
      ))}
    </Radio.Group>
  );
}

export function SwitchField({ label, checked, disabled, onChange }: { label: string; checked: boolean; disabled?: boolean; onChange: (checked: boolean) => void }) {
  return (
    <Switch
      unstyled
      aria-label={label}
      checked={checked}
      disabled={disabled}
      classNames={{ root: 'switch-root', input: 'switch', track: 'switch-track', thumb: 'vh', trackLabel: 'vh', body: 'switch-body' }}
      onChange={(event) => onChange(event.currentTarget.checked)}
    />
  );
}

/** A choice of a few words in one line. */
export function Segmented<Value extends string>({ label, value, choices, onChange }: { label: string; value: Value; choices: readonly { value: Value; label: ReactNode }[]; onChange: (value: Value) => void }) {
  return (
    <SegmentedControl<Value>
      unstyled
      withItemsBorders={false}
      aria-label={label}
      value={value}
      data={choices.map((choice) => ({ value: choice.value, label: choice.label }))}
      classNames={{ root: 'seg', control: 'seg-control', input: 'seg-input', label: 'seg-label', indicator: 'seg-indicator', innerLabel: 'seg-inner' }}
      onChange={onChange}
    />
  );
}
