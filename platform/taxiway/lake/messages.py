"""What is said of a publication that did not come to be."""

import re

from taxiway.errors import CommitFailed, LakeError, PublishConflict
from taxiway.lake.publication import Publication

# What a library adds to its messages for its own developers: colours, arrows, the frames of a stack, whole pages.
_NOISE = re.compile(r"\x1b\[[0-9;]*m|↳|^\s*[0-9]+: <unknown>$|<\?xml.*", re.MULTILINE | re.DOTALL)
_DENIED = re.compile(r"403 Forbidden|AccessDenied")


def conflict(publication: Publication) -> PublishConflict:
    """The error for a publication that another one was quicker than."""
    done = f"published {publication.named} or changed the table's columns"
    if publication.holds is not None:
        done = "changed the table, whose keys were looked at before,"
    return PublishConflict(
        f"{publication.address}: another run {done} while this one computed; nothing of this run was published there, "
        "run it again"
    )


def revoked(publication: Publication) -> PublishConflict:
    """The error for a writer that upkeep took for gone."""
    return PublishConflict(
        f"{publication.address}: this run took so long that upkeep removed what it had written; nothing of it was "
        "published there, run it again"
    )


def refused(publication: Publication, why: str | Exception) -> LakeError:
    """The error for a publication that the storage did not take."""
    told = why if isinstance(why, str) else reason(why)
    advice = "make room in the lake, or make it writable, and run again"
    if isinstance(why, ConnectionError):
        advice = "run again once it does"
    return LakeError(f"{publication.address}: publishing failed, the table is as it was ({told}); {advice}")


def failed(publication: Publication, error: Exception, *, is_known: bool) -> CommitFailed:
    """The error for a commit that the storage failed on; `is_known` is whether it was seen not to be there."""
    if is_known:
        return CommitFailed(str(refused(publication, error)))
    return CommitFailed(
        f"{publication.address}: the storage did not say whether this run's commit came to be ({reason(error)}); see: "
        f"taxiway history {publication.address}, and run again, which is safe"
    )


def reason(error: Exception) -> str:
    """An error's message in one line."""
    if _DENIED.search(str(error)):
        return "permission denied"
    words = _NOISE.sub(" ", str(error)).split()
    return " ".join(words)[:400] or type(error).__name__
