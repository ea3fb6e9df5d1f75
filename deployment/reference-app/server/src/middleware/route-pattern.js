/**
 * The pattern of the route that answers, for example `/api/studies/:study/rendered`: safe in logs and metrics, where an URL is not.
 * @param {import('express').Request} request
 * @returns {string} `unmatched` when no route answers
 */
export function routePattern(request) {
  const path = request.route?.path
  if (typeof path !== 'string') return 'unmatched'
  return path === '/' ? request.baseUrl : `${request.baseUrl}${path}`
}
