"""Settings: typed, frozen, read once from the environment; and where the project's own folders lie.

An unknown `GRANTFLOW_…` name is refused with the nearest known one, because a misspelt setting is a silent default.
"""

from __future__ import annotations

import difflib
import os
import secrets
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from grantflow.errors import Misconfigured

PACKAGE = Path(__file__).resolve().parent
FOR_TESTS = {"GRANTFLOW_TEST_PG", "GRANTFLOW_TEST_REDIS", "GRANTFLOW_TEST_REALDATA", "GRANTFLOW_BROWSER"}
"""Names the tests read; known here so that they are not taken for a slip."""

QUEUES = ("redis://", "rediss://", "unix://")
"""How the address of a Redis may begin."""


def resource_folder(name: str) -> Path:
    """A folder that ships with the project: inside an installed package as `_name`, beside it in a checkout."""
    packaged = PACKAGE / f"_{name}"
    return packaged if packaged.is_dir() else PACKAGE.parent / name


@dataclass(frozen=True)
class Settings:
    """What an installation may set, each as `GRANTFLOW_` and the name in capitals."""

    home: Path
    """Folder for the database, the secret key and the files. Default: `instance/` beside the project."""
    database_url: str
    """`DATABASE_URL` is honoured too. Default: SQLite in `home`."""
    secret_key: str
    """Signs sessions and links. Default: made once and kept in `home`, readable by its owner alone."""
    redis_url: str = ""
    """`REDIS_URL` is honoured too. Redis or Valkey as the bell of `grantflow worker`. Default: `serve` does that work itself."""
    host: str = "127.0.0.1"
    """Address the embedded server listens on."""
    port: int = 8000
    """Port the embedded server listens on."""
    base_url: str = ""
    """Address people reach the service under, for links in mail. Default: the host and port above."""
    smtp_host: str = ""
    """Mail server. Without one, mail is kept as readable messages in the database."""
    smtp_port: int = 25
    """Port of the mail server."""
    smtp_user: str = ""
    """Account at the mail server."""
    smtp_password: str = ""
    """Its password."""
    smtp_starttls: bool = False
    """Whether the connection to the mail server is encrypted by STARTTLS."""
    mail_from: str = "GrantFlow <no-reply@localhost>"
    """Sender of mail."""
    language: str = "en"
    """Language for people who have not chosen: en or ru."""
    zone: str = "Europe/Moscow"
    """Named time zone for people who have not chosen."""
    secure_cookies: bool = False
    """Whether cookies travel over https alone. Set it in production."""
    session_minutes: int = 240
    """Minutes without a click after which one signs in again."""
    upload_mb: int = 20
    """Largest upload, in megabytes."""
    scan: str = ""
    """Command that checks each attached file, given its path: it ends with 0 clean, 1 harmful, else it is tried again."""
    scan_seconds: int = 120
    """How long that check of one file may take before it is stopped and tried again."""
    worker: bool = True
    """Whether the server runs the embedded worker for mail, deadlines and exports, where there is no Redis."""
    proxies: int = 0
    """Number of reverse proxies in front whose X-Forwarded headers are believed."""

    @property
    def files(self) -> Path:
        """Where uploaded files lie, under generated names."""
        return self.home / "files"

    @property
    def embedded_worker(self) -> bool:
        """Whether the web server sends mail and sweeps deadlines itself: never where there is a queue for it."""
        return self.worker and not self.redis_url

    @property
    def url(self) -> str:
        """The address used in mail, without a slash at its end."""
        return (self.base_url or f"http://{self.host}:{self.port}").rstrip("/")


def _secret(home: Path) -> str:
    path = home / "secret.key"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        # Written whole under another name first: killed half way, or read by another process meanwhile, it is no key.
        draft = home / f".secret.{os.getpid()}.{secrets.token_hex(4)}"
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(48))
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, path)
            except FileExistsError:
                pass  # another process was first
            except OSError:  # a file system without links
                os.replace(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    try:
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it holds something else"
        raise Misconfigured(f"The secret key {path} cannot be read: {why}. Its owner must run GrantFlow.") from None
    if len(key) < 32:
        raise Misconfigured(
            f"The secret key {path} is damaged. Delete it: a new one is made, and everybody signs in anew."
        )
    return key


def _typed(name: str, kind: str, text: str) -> object:
    if kind == "bool":
        if text.lower() in ("1", "true", "yes", "on"):
            return True
        if text.lower() in ("0", "false", "no", "off", ""):
            return False
        raise Misconfigured(f"GRANTFLOW_{name.upper()} is {text!r}: write yes or no.")
    if kind == "int":
        try:
            return int(text)
        except ValueError:
            raise Misconfigured(f"GRANTFLOW_{name.upper()} is {text!r}: write a whole number.") from None
    return Path(text).expanduser() if kind == "Path" else text


def read_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment. Raises Misconfigured, with a sentence saying what to write, on any unknown or bad value."""
    env = os.environ if environ is None else environ
    known = {f.name: str(f.type) for f in fields(Settings)}
    allowed = {f"GRANTFLOW_{name.upper()}" for name in known} | FOR_TESTS
    for name in sorted(env):
        if name.startswith("GRANTFLOW_") and name not in allowed:
            near = difflib.get_close_matches(name, allowed, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise Misconfigured(f"{name} is no setting of GrantFlow.{hint}")
    given = {
        name: _typed(name, kind, env[f"GRANTFLOW_{name.upper()}"])
        for name, kind in known.items()
        if env.get(f"GRANTFLOW_{name.upper()}", "") != ""
    }
    home = Path(str(given.pop("home", PACKAGE.parent / "instance"))).resolve()
    url = str(given.pop("database_url", "") or env.get("DATABASE_URL", "") or f"sqlite:///{home / 'grantflow.db'}")
    if url.startswith("postgres://"):  # what hosts hand out; SQLAlchemy knows only the long name
        url = "postgresql://" + url.removeprefix("postgres://")
    given["redis_url"] = str(given.get("redis_url", "") or env.get("REDIS_URL", ""))
    if given["redis_url"] and not str(given["redis_url"]).startswith(QUEUES):
        raise Misconfigured("REDIS_URL is no address of a Redis: write, for example, redis://localhost:6379/0")
    try:
        words = shlex.split(str(given.get("scan", "")))
    except ValueError:
        raise Misconfigured("GRANTFLOW_SCAN has a quotation mark without its other half.") from None
    if words and shutil.which(words[0]) is None:
        raise Misconfigured(f"GRANTFLOW_SCAN names {words[0]!r}, which is no program here: write its whole path.")
    if int(str(given.get("scan_seconds", 120))) < 1:
        raise Misconfigured("GRANTFLOW_SCAN_SECONDS is below 1: write how many seconds a check may take.")
    if given.get("language", "en") not in ("en", "ru"):
        raise Misconfigured(f"GRANTFLOW_LANGUAGE is {given['language']!r}: write en or ru.")
    secret = str(given.pop("secret_key", "") or _secret(home))
    return Settings(home=home, database_url=url, secret_key=secret, **given)  # type: ignore[arg-type]
