"""The bucket of a deployment, which its own S3 server makes for whoever may write the first file of it."""

from taxiway.errors import DeploymentError
from taxiway.settings import LakeSettings, load_group, load_s3
from taxiway.storage import Store

_MARK = "README"
_TEXT = b"The lake and the landing zone of a Taxiway deployment. Nothing here is to be changed by hand.\n"


def make_bucket(deployment: str) -> None:
    """Make the bucket that holds the lake, unless it is there. Raises DeploymentError where the server refuses.

    Of the deployment's settings only those of the lake are read: who makes the bucket is given no others.
    """
    settings = load_group(LakeSettings, deployment)
    bucket = Store("/".join(settings.lake.uri.split("/")[:3]), load_s3({**settings.s3}))
    try:
        if bucket.find(_MARK) is None:
            bucket.write(_MARK, _TEXT)
    except OSError as error:
        raise DeploymentError(f"{bucket} cannot be made: {error}") from None
