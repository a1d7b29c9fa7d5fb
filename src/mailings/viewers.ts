/** Who writes clients and mailings, and who may read all of them. */
export const staff = ['admin', 'operator'] as const
export const readers = [...staff, 'auditor'] as const
