import sharp from 'sharp'
import { AppError } from '../platform/errors.ts'
import { sweepFiles } from '../platform/file-sweep.ts'
import type { Platform } from '../platform/module.ts'

const limitBytes = 2 << 20
const limitPixels = 40e6
const folder = 'covers'

// What it keeps of finished images, up to 50 MB, no upload asks for again.
sharp.cache(false)

/** Makes a cover of an uploaded image: turned, fitted into 1200×800, without metadata. Returns the key of its file. */
export async function keepCover({ files, heavy }: Platform, upload: Buffer): Promise<string> {
  if (!upload.length) throw new AppError(400, 'collects.cover_missing')
  if (upload.length > limitBytes) throw new AppError(413, 'collects.cover_too_large')
  return files.keep(folder, await heavy('image', () => fitted(upload)), 'jpg')
}

async function fitted(upload: Buffer): Promise<Buffer> {
  const image = sharp(upload, { limitInputPixels: limitPixels, failOn: 'error', sequentialRead: true })
  const metadata = await image.metadata().catch((error: Error) => {
    throw /pixel limit/.test(error.message)
      ? new AppError(413, 'collects.cover_too_large')
      : new AppError(415, 'collects.cover_kind')
  })
  // By content, not by name; sharp would read SVG, GIF and TIFF as well.
  if (!['jpeg', 'png', 'webp'].includes(metadata.format)) throw new AppError(415, 'collects.cover_kind')
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
        : new AppError(400, 'collects.cover_broken', {}, { cause: error })
    })
}

/**
 * Runs a change that takes a cover with it. The file is written before the transaction and goes again if that fails
 * or turns out to be a repeat; what a crash leaves behind, the sweep removes.
 */
export async function withCover<T>(
  platform: Platform,
  upload: Buffer | undefined,
  work: (cover: string | undefined) => Promise<T>,
  used: (result: T) => boolean,
): Promise<T> {
  const cover = upload && (await keepCover(platform, upload))
  let keep = false
  try {
    const result = await work(cover)
    keep = used(result)
    return result
  } catch (error) {
    // Lost at COMMIT nobody knows: the file may be in use, and the sweep decides.
    keep = (error as AppError).status === 503
    throw error
  } finally {
    if (cover && !keep) await platform.files.remove([cover]).catch(() => {})
  }
}

/** Removes covers that no collect has, and tells of those that are gone. */
export const sweepCovers = (platform: Platform, signal: AbortSignal) =>
  sweepFiles(platform, signal, { folder, table: 'collects.collects', column: 'cover' })
