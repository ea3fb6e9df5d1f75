"""Writes /tmp/orthanc.json as the vendor's configurator does.

Precedence: /etc/orthanc/*.json < /run/secrets/*.json < environment < secret files named like the environment variable.
A variable ORTHANC__DICOM_WEB__ENABLE sets DicomWeb.Enable; its value is read as JSON where it is JSON.
"""

import glob
import json
import os
import re
import sys

# Names that are not the upper snake case of their setting.
NAMES = {
    "POSTGRESQL": "PostgreSQL",
    "HTTPS_CA_CERTIFICATES": "HttpsCACertificates",
    "ENABLE_SSL": "EnableSsl",
    "DICOM_TLS_CERTIFICATE": "DicomTlsCertificate",
}
PLUGINS = {
    "DicomWeb": ("DICOM_WEB_PLUGIN_ENABLED", "libOrthancDicomWeb.so"),
    "PostgreSQL": ("POSTGRESQL_PLUGIN_ENABLED", "libOrthancPostgreSQLIndex.so"),
}
PREFIX = "ORTHANC__"
AVAILABLE = "/usr/share/orthanc/plugins-available"


def without_comments(text):
    """Orthanc's JSON has C comments."""
    pattern = r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/'
    return re.sub(pattern, lambda m: m.group(0) if m.group(0)[0] == '"' else "", text, flags=re.DOTALL)


def merge(target, source):
    for key, value in source.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            merge(target[key], value)
        else:
            target[key] = value


def camel(part):
    return NAMES.get(part) or "".join(word.capitalize() for word in part.split("_"))


def setting(name, text):
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    for part in reversed(name[len(PREFIX):].split("__")):
        value = {camel(part): value}
    return value


def read(config):
    for folder in ("/etc/orthanc", "/run/secrets"):
        for path in sorted(glob.glob(folder + "/*.json")):
            with open(path, encoding="utf-8") as file:
                text = without_comments(file.read())
            if folder == "/etc/orthanc":
                text = re.sub(r"\$\{(\w+)\}", lambda m: os.environ.get(m.group(1), ""), text)
            try:
                merge(config, json.loads(text))
            except ValueError as error:
                sys.exit(f"{path} is no JSON: {error}")
    for name in sorted(os.environ):
        if name.startswith(PREFIX):
            merge(config, setting(name, os.environ[name]))
    for path in sorted(glob.glob("/run/secrets/" + PREFIX + "*")):
        with open(path, encoding="utf-8") as file:
            merge(config, setting(os.path.basename(path), file.read().rstrip("\n")))


def enable_plugins(config):
    folder = "/run/orthanc/plugins" if os.path.isdir("/run/orthanc/plugins") else "/usr/share/orthanc/plugins"
    for section, (switch, library) in PLUGINS.items():
        if section in config or os.environ.get(switch) == "true":
            link = os.path.join(folder, library)
            if not os.path.lexists(link):
                os.symlink(os.path.join(AVAILABLE, library), link)
    return folder


config = {
    "StorageDirectory": "/var/lib/orthanc/db",
    "RemoteAccessAllowed": True,
    "AuthenticationEnabled": True,
    "HttpPort": 8042,
    "DicomPort": 4242,
}
read(config)
config["Plugins"] = [enable_plugins(config)]
if config["AuthenticationEnabled"] and config["RemoteAccessAllowed"] and not config.get("RegisteredUsers"):
    sys.exit("Orthanc refuses to start: authentication and remote access are on and no user is declared (RegisteredUsers)")
descriptor = os.open("/tmp/orthanc.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
with os.fdopen(descriptor, "w", encoding="utf-8") as file:
    json.dump(config, file)
