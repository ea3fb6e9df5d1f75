#!/bin/sh
# Builds the images of the stack on a machine with Docker and a checkout: the same code that the build action runs.
set -eu

usage() {
  cat <<'TEXT'
usage: build.sh IMAGES [--compose-file PATH] [--version TEXT] [--ca-file PEM] [--no-scan]

  IMAGES     where the images will live, without tag: ghcr.io/org/pacs
  --no-scan  judge no image; no server runs what was not judged

Run it in the checkout of your repository. PACS_DEPLOY names a checkout of pacs-deploy (by default the one that this script lies
in). Needs git, Docker with buildx, and Node 20 or newer. Prints the path of the draft manifest; exits with the class of the outcome.
TEXT
}

fail() {
  printf 'build: %s\n' "$1" >&2
  exit 40
}

images='' compose=deployment/production/docker-compose.prod.yml version='' ca='' scan=true
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --compose-file | --version | --ca-file)
      [ $# -ge 2 ] || fail "$1 needs a value"
      case $1 in
        --compose-file) compose=$2 ;;
        --version) version=$2 ;;
        --ca-file) ca=$2 ;;
      esac
      shift 2
      ;;
    --no-scan)
      scan=false
      shift
      ;;
    -*) fail "what is $1? (--help)" ;;
    *)
      [ -z "$images" ] || fail "what is $1? (--help)"
      images=$1
      shift
      ;;
  esac
done
[ -n "$images" ] || fail 'where will the images live? (--help)'
action=${PACS_DEPLOY:-$(dirname "$0")/../../..}/dist/build/index.js
[ -f "$action" ] || fail "$action is missing: set PACS_DEPLOY to a checkout of pacs-deploy"
commit=$(git rev-parse --verify HEAD) || fail 'this is no git checkout'
[ -z "$(git status --porcelain --untracked-files=no)" ] || fail 'the checkout has changes that are in no commit: commit them first'

result=$(mktemp -d)
for name in output state summary; do : >"$result/$name"; done
code=0
# By env, since a shell cannot export a name with a hyphen.
env "INPUT_IMAGES=$images" "INPUT_COMPOSE-FILE=$compose" "INPUT_VERSION=$version" "INPUT_CA-FILE=$ca" \
  "INPUT_SCAN=$scan" INPUT_SCAN-SEVERITY=HIGH INPUT_SCAN-UNFIXED=false INPUT_SCAN-GRACE-DAYS=0 INPUT_SCAN-VENDORS=new \
  "GITHUB_WORKSPACE=$PWD" "GITHUB_SHA=$commit" "RUNNER_TEMP=$result" "GITHUB_OUTPUT=$result/output" \
  "GITHUB_STATE=$result/state" "GITHUB_STEP_SUMMARY=$result/summary" node "$action" || code=$?

# An output is `name<<delimiter`, the value, and the delimiter.
output() {
  awk -v name="$1" 'index($0, name "<<") == 1 { getline; print; exit }' "$result/output"
}
if [ "$code" -ne 0 ]; then
  class=$(output exit-class)
  rm -rf "$result"
  exit "${class:-1}"
fi
output manifest
