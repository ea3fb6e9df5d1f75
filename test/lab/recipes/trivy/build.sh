#!/bin/sh
# The scanner of tools.lock.json from its module, which Go checks against its checksum database: the sources, version and flags of
# its release, though not its bytes.
set -eu
export SSL_CERT_FILE=/build/ca.crt HOME=/build GOPATH=/build/go GOCACHE=/build/cache GOFLAGS=-modcacherw GOTOOLCHAIN=auto
apt-get update
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends golang-go
mkdir /build/module
cd /build/module
go mod init build
go get -tool github.com/aquasecurity/trivy/cmd/trivy@v0.74.0
# Debian's own Go is older than the module wants: it fetches the right one, but does not know that one's experiments.
"$(go env GOROOT)/bin/go" version
GOTOOLCHAIN=local GOEXPERIMENT=jsonv2 CGO_ENABLED=0 "$(go env GOROOT)/bin/go" build -trimpath -o /build/trivy \
  -ldflags '-s -w -X github.com/aquasecurity/trivy/pkg/version/app.ver=0.74.0' github.com/aquasecurity/trivy/cmd/trivy
