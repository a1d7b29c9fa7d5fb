import { Button, FileButton, Group, Input } from '@mantine/core'
import { IconPhoto, IconTrash } from '@tabler/icons-react'
import { type ReactNode, useEffect, useState } from 'react'
import { useTranslation } from 'react-i18next'
import classes from './picture-field.module.css'

/** The kinds of pictures that the server takes. */
export const accepted = 'image/jpeg,image/png,image/webp'
const largestSide = { width: 1200, height: 800 }
const smallEnoughBytes = 1 << 20

/** A photograph of a phone is larger than the server takes: it is fitted into what the server would keep of it. */
export async function fit(file: File): Promise<File> {
  if (file.size <= smallEnoughBytes) return file
  try {
    const picture = await createImageBitmap(file, { imageOrientation: 'from-image' })
    const scale = Math.min(1, largestSide.width / picture.width, largestSide.height / picture.height)
    const canvas = new OffscreenCanvas(Math.round(picture.width * scale), Math.round(picture.height * scale))
    canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height)
    const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality: 0.9 })
    return new File([blob], 'cover.jpg', { type: blob.type })
  } catch {
    // No picture that this browser knows: the server says in words what is wrong with it.
    return file
  }
}

/** An address under which a chosen picture can be shown. */
export function usePreview(cover: File | string | null): string | null {
  const [url, setUrl] = useState<string | null>(typeof cover === 'string' ? cover : null)
  useEffect(() => {
    if (!(cover instanceof File)) return setUrl(cover)
    const made = URL.createObjectURL(cover)
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [cover])
  return url
}

type Props = { label: string; preview: string | null; error?: ReactNode; onChange: (file: File | null) => void }

/** Takes a picture, chosen or dropped. */
export function PictureField({ label, preview, error, onChange }: Props) {
  const { t } = useTranslation()
  const take = (file: File | null | undefined) => {
    if (file) void fit(file).then(onChange)
  }
  return (
    <Input.Wrapper label={label} labelElement="div" size="md" error={error}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is a shortcut, the button does the same */}
      <div
        className={classes.drop}
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault()
          take(event.dataTransfer.files[0])
        }}
      >
        {preview && <img src={preview} alt="" />}
        <Group gap="xs" justify="center">
          <FileButton
            accept={accepted}
            onChange={take}
            inputProps={{ 'aria-label': `${label}: ${t('shell.picture.choose')}` }}
          >
            {(props) => (
              <Button variant="light" leftSection={<IconPhoto size={20} />} {...props}>
                {t(preview ? 'shell.picture.replace' : 'shell.picture.choose')}
              </Button>
            )}
          </FileButton>
          {preview && (
            <Button variant="subtle" color="red" leftSection={<IconTrash size={20} />} onClick={() => onChange(null)}>
              {t('shell.picture.remove')}
            </Button>
          )}
        </Group>
      </div>
    </Input.Wrapper>
  )
}
