import { Notifications } from '@mantine/notifications'

/** Where notices stand; loaded with the first of them. */
export const Notices = () => <Notifications position="top-center" autoClose={7000} />
