"""How the buckets of a deployment are reached: as the variables that Amazon's own programs read say."""

import os
from collections.abc import Mapping

from taxiway.errors import SettingsError
from taxiway.settings.secret import secret
from taxiway.storage import S3


def load_s3(given: Mapping[str, str]) -> S3:
    """The endpoint and region of the variables `AWS_*`, or else as `given`, and the keys of the variables; where
    `AWS_SECRET_ACCESS_KEY_FILE` and its like name a file, of that.

    Raises SettingsError where only half of a pair of keys is there or a file cannot be read.
    """
    secrets = {name: secret(f"AWS_{name.upper()}") for name in ("access_key_id", "secret_access_key", "session_token")}
    if (secrets["access_key_id"] is None) != (secrets["secret_access_key"] is None):
        raise SettingsError("of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY one is set; set both or none")
    endpoint = _first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL") or given.get("endpoint")
    region = _first("AWS_REGION", "AWS_DEFAULT_REGION") or given.get("region") or S3.region
    return S3(endpoint, region, **secrets)


def _first(*names: str) -> str | None:
    return next((os.environ[name] for name in names if os.environ.get(name)), None)
