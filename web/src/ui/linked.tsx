import { Fragment } from 'react'

const address = /(https?:\/\/[^\s<>"«»]+[^\s<>"«».,;:!?)\]])/g

/** Text in which addresses are links; nothing else in it becomes a tag, and no other scheme a link. */
export function Linked({ text }: { text: string }) {
  return text.split(address).map((part, i) =>
    i % 2 ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text have no other name
      <a key={i} href={part} target="_blank" rel="noopener noreferrer nofollow ugc">
        {part}
      </a>
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text have no other name
      <Fragment key={i}>{part}</Fragment>
    ),
  )
}
