import { useMutation } from '@tanstack/react-query'
import { useNavigate } from 'react-router'
import { answer, api } from '../api.ts'
import { endSession } from '../session.ts'
import { tell } from '../ui/problems.ts'

/** Signs out and leads to what everybody may see, so that nobody is asked to sign in again at once. */
export function useSignOut() {
  const navigate = useNavigate()
  return useMutation({
    mutationFn: () => answer(api.POST('/api/auth/logout', { body: {} })),
    onSuccess: async () => {
      await navigate('/collects', { replace: true })
      endSession()
    },
    onError: (error) => tell(error),
  })
}
