import { Avatar, Button, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { IconLogout } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { useFormat } from '../format.ts'
import { TabTitle } from '../ui/page.tsx'
import { Invites } from './profile-invites.tsx'
import { PasswordSection } from './profile-password.tsx'
import { PersonForm } from './profile-person.tsx'
import { Preferences } from './profile-preferences.tsx'
import { Sessions } from './profile-sessions.tsx'
import { Tokens } from './profile-tokens.tsx'
import { initialsOf, useProfile } from './queries.ts'
import { useSignOut } from './sign-out.ts'

export function ProfilePage() {
  const { t } = useTranslation()
  const { date } = useFormat()
  const { data: profile } = useProfile()
  const signOut = useSignOut()
  if (!profile) return null

  return (
    <Stack gap="xl" maw={980} mx="auto">
      <TabTitle title={t('accounts.profile.title')} />
      <Group justify="space-between">
        <Group wrap="nowrap">
          <Avatar size={72} color="yard" variant="filled" aria-hidden>
            {initialsOf(profile)}
          </Avatar>
          <Stack gap={2}>
            <Title order={1} size="h2">
              {profile.full_name || profile.username}
            </Title>
            <Text c="dimmed">
              {t(`accounts.role.${profile.role}`)} · {t('accounts.profile.since', { date: date(profile.created_at) })}
            </Text>
          </Stack>
        </Group>
        <Button
          variant="default"
          leftSection={<IconLogout size={20} />}
          loading={signOut.isPending}
          onClick={() => signOut.mutate()}
        >
          {t('accounts.profile.sign_out')}
        </Button>
      </Group>
      <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg" style={{ alignItems: 'start' }}>
        <Stack gap="lg">
          <PersonForm profile={profile} />
          <PasswordSection username={profile.username} />
        </Stack>
        <Stack gap="lg">
          <Preferences />
          <Invites profile={profile} />
          <Sessions />
          <Tokens />
        </Stack>
      </SimpleGrid>
    </Stack>
  )
}
