"""Storage: one place that knows folders and buckets, for what lies in the lake and the landing zone.

`Store` is a folder or a prefix of a bucket, `StoredFile` what lies in it, `Found` what lies on one level of it, file or
not, and `S3` how a bucket is reached.
"""

from taxiway.storage.level import SETTLED_AFTER_S, FileChanged, Found
from taxiway.storage.s3 import S3
from taxiway.storage.store import Store, StoredFile, is_bucket

__all__ = ["S3", "SETTLED_AFTER_S", "FileChanged", "Found", "Store", "StoredFile", "is_bucket"]
