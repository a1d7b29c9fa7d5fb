import { Button } from '@mantine/core'
import { useClipboard } from '@mantine/hooks'
import { IconCheck, IconShare } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'

/** Gives the link to the phone's own menu, or copies it. */
export function Share({ title }: { title: string }) {
  const { t } = useTranslation()
  const { copied, copy } = useClipboard()
  const url = location.origin + location.pathname
  const share = async () => {
    if (!navigator.share) return copy(url)
    // Closing the menu is no failure.
    await navigator.share({ title, url }).catch(() => undefined)
  }
  return (
    <Button
      variant="subtle"
      leftSection={copied ? <IconCheck size={20} /> : <IconShare size={20} />}
      onClick={() => void share()}
    >
      {t(copied ? 'shell.copied' : 'collects.detail.share')}
    </Button>
  )
}
