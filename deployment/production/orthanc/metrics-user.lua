-- Every other user of Orthanc may do everything. The one whose password Prometheus holds sees figures and nothing else.
function IncomingHttpRequestFilter(method, uri, ip, username, httpHeaders)
  return username ~= 'metrics' or (method == 'GET' and uri == '/tools/metrics-prometheus')
end
