import { z } from 'zod/mini'
import { change } from './request.ts'

const ordered = z.object({ id: z.string() })

/** Orders studies to take away. @returns where their ZIP is */
export async function orderExport(studies: readonly string[]): Promise<string> {
  const { id } = await change(ordered, 'POST', '/api/exports', { studies })
  return `/api/exports/${id}/archive`
}
