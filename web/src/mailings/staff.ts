import { useProfile } from '../accounts/queries.ts'
import type { Role } from '../module.ts'

export const staff: Role[] = ['admin', 'operator']
export const readers: Role[] = [...staff, 'auditor']

/** Whether the person may change clients and mailings, or only reads them. */
export function useMayWrite(): boolean {
  const { data } = useProfile()
  return data !== undefined && staff.includes(data.role)
}
