#!/usr/bin/env python3
"""Asks Orthanc for /changes?last, which touches the database, as its first user. Exit code 1 when it does not answer."""

import base64
import json
import sys
import urllib.request

with open("/tmp/orthanc.json", encoding="utf-8") as file:
    config = json.load(file)
request = urllib.request.Request(f"http://localhost:{config['HttpPort']}/changes?last")
for user, password in list(config.get("RegisteredUsers", {}).items())[:1]:
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    request.add_header("Authorization", f"Basic {token}")
try:
    with urllib.request.urlopen(request, timeout=5) as response:
        sys.exit(0 if response.status == 200 else 1)
except OSError as error:
    sys.exit(f"Orthanc does not answer: {error}")
