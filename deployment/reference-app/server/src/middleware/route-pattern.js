/** A part of a path that a person wrote into the program: letters and dashes, perhaps with a version. What has other digits is an id. */
const WRITTEN = /^(v\d{1,2}|[a-zA-Z][a-zA-Z_-]{0,39})$/

/**
 * The pattern of the route that answers, for example `/api/studies/:study/rendered`: safe in logs and metrics, where an URL is not.
 * A router that is mounted under a pattern knows only the path that was asked for: its parts are named by their parameter, where the
 * router has `mergeParams`, and `:id` where they look like one.
 * @param {import('express').Request} request
 * @returns {string} `unmatched` when no route answers
 */
export function routePattern(request) {
  const path = request.route?.path
  if (typeof path !== 'string') return 'unmatched'
  const mount = mountPattern(request.baseUrl, request.params)
  return path === '/' && mount !== '' ? mount : `${mount}${path}`
}

/**
 * @param {string} baseUrl
 * @param {import('express').Request['params']} params
 */
function mountPattern(baseUrl, params) {
  if (baseUrl === '') return ''
  // The outer parameter last, so that it wins over an inner one of the same value.
  const names = new Map(
    Object.entries(params)
      .reverse()
      .map(([name, value]) => [String(value), name]),
  )
  return baseUrl
    .split('/')
    .map((part) => {
      if (part === '') return part
      const name = names.get(part) ?? names.get(decoded(part))
      if (name !== undefined) return `:${name}`
      return WRITTEN.test(part) ? part : ':id'
    })
    .join('/')
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
