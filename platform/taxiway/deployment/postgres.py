"""PostgreSQL's data: a cluster of the deployment's own, with one database and an account for each right to it."""

import re
import shutil
import subprocess
from collections.abc import Sequence

from taxiway.deployment.layout import Layout
from taxiway.deployment.secret_files import private_file, private_folder, secret
from taxiway.errors import DeploymentError

OWNER, READER = "dagster", "viewer"
"""The accounts: one that owns the database, one that reads it."""

_DATABASE = "dagster"
_LONGEST_S = 120
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


def storage_url(layout: Layout, account: str) -> str:
    """The URL of Dagster's storage for an account, with its password."""
    return f"postgresql+psycopg2://{account}:{secret(layout.secrets, account)}@{layout.address('postgres')}/{_DATABASE}"


def prepare_postgres(layout: Layout, account: str | None) -> None:
    """Make the cluster where there is none; as a whole, so that one that was interrupted is made anew.

    The passwords of the accounts are set while no server runs, so none listens before it asks for them.
    """
    folder = layout.folder("postgres")
    private_folder(layout.run / "postgres", account)
    data, staged = folder / "data", folder / "new"
    network = "samenet" if layout.in_containers else "127.0.0.1/32"
    if not data.is_dir():
        shutil.rmtree(staged, ignore_errors=True)
        _call(layout, account, "initdb", "--pgdata", str(staged), "--encoding=UTF8", "--locale=C", "--auth=peer")
        owner, reader = secret(layout.secrets, OWNER), secret(layout.secrets, READER)
        single = ("postgres", "--single", "-D", str(staged))
        _call(
            *(layout, account, *single, "postgres"),
            told=f"CREATE ROLE {OWNER} LOGIN PASSWORD '{_literal(owner)}'\n"
            f"CREATE ROLE {READER} LOGIN PASSWORD '{_literal(reader)}'\n"
            f"CREATE DATABASE {_DATABASE} OWNER {OWNER}\n",
        )
        _call(
            *(layout, account, *single, _DATABASE),
            told=f"ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} GRANT SELECT ON TABLES TO {READER}\n",
        )
        staged.rename(data)
    # On the socket the account that the server runs as, for copies; on the network a password, for this database.
    rules = f"local all all peer\nhost {_DATABASE} {OWNER},{READER} {network} scram-sha-256\n"
    private_file(data / "pg_hba.conf", rules, account)


def _call(layout: Layout, account: str | None, program: str, *words: str, told: str = "") -> None:
    """Run a program of PostgreSQL's as its account; raises DeploymentError with what it said."""
    command: Sequence[str] = (str(layout.postgres / program), *words)
    who = {"user": account, "group": account, "extra_groups": []} if account else {}
    done = subprocess.run(
        command,
        input=told,
        text=True,
        capture_output=True,
        cwd=layout.folder("postgres"),
        timeout=_LONGEST_S,
        check=False,
        **who,
    )
    # The single-user server goes on after an error, and ends well.
    errors = [line for line in done.stderr.splitlines() if "ERROR:" in line or "FATAL:" in line]
    if done.returncode or errors:
        raise DeploymentError(f"{program} failed: {'; '.join(errors) or done.stderr.strip()}")


def _literal(password: str) -> str:
    if _UNSAFE.search(password):
        raise DeploymentError("a password of PostgreSQL's has characters other than letters, digits, - and _")
    return password
