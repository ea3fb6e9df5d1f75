"""Sends every image of this Orthanc to another one, which keeps what it has, and sees that each arrived.

Usage: send-again.py URL USER PASSWORD_FILE, in the container of the one that sends; README.md says when.
Sends what is left when run again.
"""

import base64
import json
import sys
import urllib.request

HERE = "http://127.0.0.1:8042"
LOT = 1000


def ask(url, data=None, login=None):
    headers = {} if login is None else {"Authorization": "Basic " + login}
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=300) as answer:
        return answer.read()


def main(there, user, password_file):
    with open(password_file, encoding="utf-8") as file:
        login = base64.b64encode(f"{user}:{file.read().strip()}".encode()).decode()
    arrived = new = 0
    while True:
        images = json.loads(ask(f"{HERE}/instances?since={arrived}&limit={LOT}"))
        for image in images:
            said = json.loads(ask(f"{there}/instances", ask(f"{HERE}/instances/{image}/file"), login))
            if said.get("ID") != image or said.get("Status") not in ("Success", "AlreadyStored"):
                sys.exit(f"{image} did not arrive: {said}; {arrived} did")
            arrived += 1
            new += said["Status"] == "Success"
        if images:
            print(f"{arrived} images are there, {new} of them new", flush=True)
        else:
            break
    print(f"all {arrived} images are there, {new} of them new")


if len(sys.argv) != 4:
    sys.exit(__doc__)
main(*sys.argv[1:])
