import sharp from 'sharp'
import { AppError } from './errors.ts'
import type { Platform } from './module.ts'

const limitBytes = 2 << 20
const limitPixels = 40e6

// What it keeps of finished images, up to 50 MB, no upload asks for again.
sharp.cache(false)

/** Keeps an uploaded image in a folder: turned, fitted into 1200×800, without metadata. Returns the key of its file. */
export async function keepPicture({ files, heavy }: Platform, folder: string, upload: Buffer): Promise<string> {
  if (!upload.length) throw new AppError(400, 'picture.missing')
  if (upload.length > limitBytes) throw new AppError(413, 'picture.too_large')
  return files.keep(folder, await heavy('image', () => fitted(upload)), 'jpg')
}

async function fitted(upload: Buffer): Promise<Buffer> {
  const image = sharp(upload, { limitInputPixels: limitPixels, failOn: 'error', sequentialRead: true })
  const metadata = await image.metadata().catch((error: Error) => {
    throw /pixel limit/.test(error.message) ? new AppError(413, 'picture.too_large') : new AppError(415, 'picture.kind')
  })
  // By content, not by name; sharp would read SVG, GIF and TIFF as well.
  if (!['jpeg', 'png', 'webp'].includes(metadata.format)) throw new AppError(415, 'picture.kind')
  return image
    .timeout({ seconds: 20 })
    .autoOrient()
    .flatten({ background: '#fff' })
    .resize(1200, 800, { fit: 'inside', withoutEnlargement: true })
    .jpeg({ mozjpeg: true, quality: 82 })
    .toBuffer()
    .catch((error) => {
      throw /^timeout/.test(error.message)
        ? new AppError(503, 'request.busy', {}, { retryAfterSeconds: 5, cause: error })
        : new AppError(400, 'picture.broken', {}, { cause: error })
    })
}

/**
 * Runs a change that takes a picture with it. The file is written before the transaction and goes again if that fails
 * or turns out to be a repeat; what a crash leaves behind, the sweep of its folder removes.
 */
export async function withPicture<T>(
  platform: Platform,
  folder: string,
  upload: Buffer | undefined,
  work: (key: string | undefined) => Promise<T>,
  used: (result: T) => boolean,
): Promise<T> {
  const key = upload && (await keepPicture(platform, folder, upload))
  let keep = false
  try {
    const result = await work(key)
    keep = used(result)
    return result
  } catch (error) {
    // Lost at COMMIT nobody knows: the file may be in use, and the sweep decides.
    keep = (error as AppError).status === 503
    throw error
  } finally {
    if (key && !keep) await platform.files.remove([key]).catch(() => {})
  }
}
