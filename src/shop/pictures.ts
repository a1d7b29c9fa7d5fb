import type { User } from '../platform/access.ts'
import { recordChange } from '../platform/audit.ts'
import { transaction } from '../platform/database.ts'
import { AppError, notFound } from '../platform/errors.ts'
import { change, type Once } from '../platform/idempotency.ts'
import type { Job } from '../platform/jobs.ts'
import type { Platform } from '../platform/module.ts'
import { withPicture } from '../platform/pictures.ts'
import { getProduct, lockProduct } from './products.ts'
import type { Product } from './schemas.ts'

const mostPictures = 8
export const folder = 'products'

/** Adds a picture to a product, after those that it has. */
export async function addPicture(
  platform: Platform,
  user: User,
  id: number,
  upload: Buffer | undefined,
  once: Once | undefined,
): Promise<Product> {
  if (!upload?.length) throw new AppError(400, 'picture.missing')
  return withPicture(
    platform,
    folder,
    upload,
    (picture) =>
      change(platform.db, once, async (tx) => {
        const { name } = await lockProduct(tx, id)
        const { n } = await tx
          .selectFrom('shop.product_pictures')
          .select((e) => e.fn.countAll<number>().as('n'))
          .where('product_id', '=', id)
          .executeTakeFirstOrThrow()
        if (n >= mostPictures) throw new AppError(409, 'shop.too_many_pictures', { name, most: mostPictures })
        await tx.insertInto('shop.product_pictures').values({ product_id: id, picture: picture! }).execute()
        await recordChange(tx, user, {
          action: 'shop.add_picture',
          subject: 'shop.products',
          subject_id: id,
          after: { picture },
        })
        return getProduct(tx, id)
      }),
    () => !once?.replayed,
  )
}

/** Takes a picture of a product away; its file goes after the commit. */
export async function removePicture({ db, jobs }: Platform, user: User, id: number, picture: number): Promise<void> {
  await transaction(db, async (tx) => {
    await lockProduct(tx, id)
    const before = await tx
      .deleteFrom('shop.product_pictures')
      .where('product_id', '=', id)
      .where('id', '=', picture)
      .returning('picture')
      .executeTakeFirst()
    if (!before) throw notFound()
    await jobs.enqueue(tx, 'shop.remove_picture', [before])
    await recordChange(tx, user, { action: 'shop.remove_picture', subject: 'shop.products', subject_id: id, before })
  })
}

/** Removes files that no product names any more. */
export async function removeFiles({ files }: Platform, jobs: Job<{ picture: string }>[]): Promise<undefined[]> {
  await files.remove(jobs.map(({ data }) => data.picture))
  return jobs.map(() => undefined)
}
