import { Button, Group } from '@mantine/core'
import { useTranslation } from 'react-i18next'

/** What was done, with a button that takes it back. */
export function Undo({ message, onUndo }: { message: string; onUndo: () => void }) {
  const { t } = useTranslation()
  return (
    <Group justify="space-between" gap="sm">
      {message}
      <Button variant="light" onClick={onUndo}>
        {t('shell.undo')}
      </Button>
    </Group>
  )
}
