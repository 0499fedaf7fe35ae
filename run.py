#!/usr/bin/env python3
"""Start GrantFlow on a machine that has Python and nothing else: `python3 run.py demo`.

Owns the environment in .venv beside this file: makes it, fills it from the locked requirements, mends it,
and hands over to the `grantflow` command (or to pytest) inside it. What those do is theirs. Standard library
only, and in words every Python since 2.7 can parse, so that an old one can refuse in one clear sentence.
"""

from __future__ import print_function

import os
import sys

OLDEST = (3, 11)
HERE = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(HERE, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
# Written when everything is in place, removed before anything is touched: no stamp, no finished environment.
STAMP = os.path.join(VENV, "grantflow.stamp")
# Says that an environment without a stamp is one this file left half made, not one a person made by hand.
HALF_MADE = os.path.join(VENV, "grantflow.half-made")
# Beside the environment and not in it, because a half-made environment is removed whole.
LOCK = os.path.join(HERE, ".venv.lock")
RUNTIME = "requirements.txt"
DEVELOPMENT = "requirements-dev.txt"

COMMANDS = """\
GrantFlow carries a grant through its whole life, from the call to the checks of later years.

Usage: python3 run.py COMMAND [OPTIONS]

To look around:
  demo          make a demonstration database and serve it on this machine
  test          run the tests; --thorough runs the long counts, other options go to pytest

To work with it:
  init          first run for real: database, secret key, the first manager
  serve         serve the web pages
  worker        send mail and fire deadlines beside the web server, where there is Redis
  scheduler     ring the workers for what is due
  db            bring the database up to date
  users         people and their roles
  workflows     check and draw the state machines
  programmes    load a programme and its calls
  applications  bring applications in from a file
  history       verify the history, set a checkpoint
  export        what auditors, the public and the bank receive

`python3 run.py COMMAND --help` tells more about one of them.
The first command makes an environment in .venv beside this file; nothing else on the machine is touched.
"""

LAUNCHER = """\
#!/bin/sh
# Written by run.py. Finds its Python beside itself, so that the folder may be moved.
exec "${0%%/*}/python" -P -c '%s' "$@"
"""
# What pip prints when no package server can be reached.
UNREACHABLE = ("Retrying (", "ConnectionError", "NewConnectionError", "ProxyError", "timed out")
HAND_OVER = 'import sys; sys.argv[0] = "grantflow"; from grantflow.cli import main; sys.exit(main())'


class Refusal(Exception):
    """A sentence for the person at the keyboard; the program ends with it and with status 1."""


def say(line):
    """Tell the person something. On stderr, so that `run.py export ... > file` keeps its file clean."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


# ---- may we at all? ------------------------------------------------------------------------------


def refuse_what_cannot_work():
    """Refuse an old Python or a strange system, each in one sentence."""
    if sys.version_info < OLDEST:
        raise Refusal(
            "GrantFlow needs Python %d.%d or newer, and this is Python %d.%d: install a newer one and start "
            "run.py with it, for example `python%d.%d run.py demo`." % (OLDEST + tuple(sys.version_info[:2]) + OLDEST)
        )
    if os.name != "posix":
        raise Refusal("GrantFlow runs on Linux and macOS: on Windows, start it inside WSL.")


def refuse_a_python_without_venv():
    """Refuse a Python whose packager has split venv or ensurepip off, and say what to install."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        version = "%d.%d" % sys.version_info[:2]
        raise Refusal(
            "This Python lacks its venv module: install it (on Debian and Ubuntu `apt install "
            "python%s-venv`, elsewhere the full python%s package) and run the same command again." % (version, version)
        )


# ---- is the environment there? -------------------------------------------------------------------


def digest(lock_name):
    """The fingerprint of one locked list of requirements."""
    import hashlib

    path = os.path.join(HERE, lock_name)
    try:
        with open(path, "rb") as lock:
            return hashlib.sha256(lock.read()).hexdigest()
    except EnvironmentError as error:
        raise Refusal("%s cannot be read (%s): is this a whole copy of GrantFlow?" % (path, error.strerror))


def stamped():
    """What the stamp says is installed: {"python": real path, lock name: fingerprint}; {} without one."""
    try:
        with open(STAMP) as stamp:
            return dict(line.rstrip("\n").split(" ", 1) for line in stamp if " " in line)
    except EnvironmentError:
        return {}


def is_ready(lock_name):
    """Whether the environment holds the wanted lock, and its Python is still the one it was made with.

    The development lock contains the other one whole, so an environment for the tests serves the demo too.
    """
    stamp = stamped()
    if not stamp or stamp.get("python") != os.path.realpath(PYTHON) or not os.access(PYTHON, os.X_OK):
        return False
    if stamp.get(RUNTIME) != digest(RUNTIME):
        return False
    return lock_name == RUNTIME or stamp.get(lock_name) == digest(lock_name)


# ---- make it -------------------------------------------------------------------------------------


def prepare(lock_name):
    """Make or mend the environment, one process at a time; the others wait and then find it ready."""
    refuse_a_python_without_venv()
    import fcntl

    try:
        lock = os.open(LOCK, os.O_RDONLY | os.O_CREAT, 0o666)
    except EnvironmentError as error:
        raise Refusal(
            "GrantFlow makes its environment in %s and may not write there (%s): run this as the owner "
            "of that folder, or copy the folder to a place of your own." % (HERE, error.strerror)
        )
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except EnvironmentError:
            say("Another start is preparing the environment; waiting for it to finish.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_ready(lock_name):
            fill(lock_name, lock)
    finally:
        os.close(lock)


def fill(lock_name, lock):
    """Bring the environment to the wanted lock and stamp it; start over where a half-made one is found."""
    import shutil
    import time

    began = time.time()
    stamp = stamped()
    sound = starts(PYTHON)
    try:
        if os.path.lexists(VENV) and (os.path.exists(HALF_MADE) or not sound or stale_python(stamp)):
            say("GrantFlow: the environment in .venv is unfinished or broken; making it anew.")
            if os.path.islink(VENV):
                os.unlink(VENV)
            else:
                shutil.rmtree(VENV)
            stamp = {}
        elif stamp.get(RUNTIME) == digest(RUNTIME) and lock_name not in stamp:
            say("GrantFlow: adding to .venv what the tests need.")
        elif stamp:
            say("GrantFlow: the list of packages has changed; bringing .venv up to date.")
        elif sound:
            say("GrantFlow: using the .venv that is here, bringing its packages to the locked versions.")
        else:
            say("GrantFlow: first start, making an environment of its own in .venv. This takes a minute.")
        if not os.path.isdir(VENV):
            os.mkdir(VENV)
        open(HALF_MADE, "w").close()
        if os.path.exists(STAMP):
            os.unlink(STAMP)
        make_venv(lock)
        wanted = DEVELOPMENT if lock_name == DEVELOPMENT or DEVELOPMENT in stamp else RUNTIME
        install(wanted, lock)
        link_checkout()
        write_stamp([RUNTIME, wanted])
    except EnvironmentError as error:
        raise Refusal("The environment %s could not be made: %s." % (VENV, error.strerror or error))
    say("GrantFlow: ready after %d s." % round(time.time() - began))


def starts(python):
    """Whether this is a working Python that GrantFlow can use."""
    import subprocess

    if not os.access(python, os.X_OK):
        return False
    probe = "import sys; sys.exit(sys.version_info < %r or sys.prefix == sys.base_prefix)" % (OLDEST,)
    return subprocess.call([python, "-I", "-c", probe], stderr=subprocess.DEVNULL) == 0


def stale_python(stamp):
    """Whether the Python behind a stamped environment has been replaced by another since."""
    return bool(stamp) and stamp.get("python") != os.path.realpath(PYTHON)


def environment():
    """The person's environment without the settings that would send the packages somewhere else."""
    astray = (
        "PIP_TARGET",
        "PIP_PREFIX",
        "PIP_ROOT",
        "PIP_USER",
        "PIP_REQUIREMENT",
        "PIP_CONSTRAINT",
        "PIP_PYTHON",
        "PIP_REQUIRE_VIRTUALENV",
        "PIP_DRY_RUN",
        "PIP_NO_DEPS",
        "PIP_QUIET",
        "PIP_VERBOSE",
        "PIP_LOG",
    )
    return dict((name, value) for name, value in os.environ.items() if name not in astray)


def make_venv(lock):
    """Make the environment with the pip that Python carries, where there is none yet."""
    if not starts(PYTHON):
        status, output = listen([sys.executable, "-I", "-m", "venv", "--without-pip", VENV], lock)
        if status:
            raise Refusal("Python could not make an environment in %s: %s" % (VENV, last_words(output)))
    status, output = listen([PYTHON, "-I", "-m", "pip", "--version"], lock)
    if status:
        status, output = listen([PYTHON, "-I", "-m", "ensurepip", "--default-pip"], lock)
    if status:
        raise Refusal("Python could not put its own pip into %s: %s" % (VENV, last_words(output)))


def install(lock_name, lock):
    """Install exactly what one lock names, every file checked against its hash; show how far it is."""
    with open(os.path.join(HERE, lock_name)) as lock_file:
        pins = [line for line in lock_file if line[:1].isalnum() and "==" in line and "'win32'" not in line]
    total = len(pins)
    fetched = [0]

    def show(line):
        """Tell at each quarter of the way, whatever kind of terminal this is."""
        if line.startswith(("Collecting ", "Requirement already satisfied: ")):
            fetched[0] += 1
            if fetched[0] in (total // 4, total // 2, total * 3 // 4):
                say("    %d of %d" % (fetched[0], total))
        elif line.startswith("Installing collected packages"):
            say("  installing them")

    say("  fetching %d packages" % total)
    command = [PYTHON, "-I", "-m", "pip", "install", "--require-hashes", "--only-binary=:all:", "--no-input"]
    command += [
        "--disable-pip-version-check",
        "--no-warn-script-location",
        "--progress-bar=off",
        "--retries=2",
    ]
    status, output = listen(command + ["-r", os.path.join(HERE, lock_name)], lock, show)
    if status:
        raise Refusal(diagnosis("\n".join(output)))


def listen(command, lock, hear=None):
    """Run one program and return (status, lines); `hear` gets each line as it comes.

    The program inherits the lock: should this process be killed, the next one waits until it is done as well.
    """
    import subprocess

    program = subprocess.Popen(
        command,
        cwd=HERE,
        env=environment(),
        pass_fds=(lock,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    lines = []
    try:
        for line in program.stdout:
            lines.append(line.rstrip())
            if hear:
                hear(lines[-1].lstrip())
        return program.wait(), lines
    except BaseException:
        program.terminate()
        program.wait()
        raise


def last_words(lines):
    """The line a failed program most likely explains itself with."""
    spoken = [line for line in lines if line.strip() and "[notice]" not in line]
    errors = [line for line in spoken if "ERROR" in line or "Error" in line]
    return (errors or spoken or ["it said nothing"])[-1].strip()


def diagnosis(output):
    """What went wrong while packages were fetched, and what the person can do about it."""
    again = "then run the same command again; it starts over cleanly."
    if "No space left on device" in output:
        return "The disk is full: make some room, " + again
    if "DO NOT MATCH THE HASHES" in output:
        return (
            "A downloaded package is not the one GrantFlow was tested with (its hash differs), so nothing "
            "was installed: see whether a proxy changes downloads, " + again
        )
    if any(sign in output for sign in UNREACHABLE):
        return (
            "The packages could not be fetched: no package server answers from this machine. Connect it "
            "to the network (behind a proxy, set HTTPS_PROXY), " + again + "\n"
            "For a machine without a network: download them on another one of its kind with `python3 -m pip "
            "download -d packages -r requirements.txt`, bring the folder here, and set PIP_NO_INDEX=1 and "
            "PIP_FIND_LINKS to the folder."
        )
    return "The packages could not be installed. pip said:\n  %s" % last_words(output.splitlines())


def link_checkout():
    """Put this folder on the environment's path and the `grantflow` command into its bin folder.

    Both are written relative to the environment, so that the folder may be moved or renamed.
    """
    import glob

    for packages in glob.glob(os.path.join(VENV, "lib", "python*", "site-packages")):
        with open(os.path.join(packages, "grantflow.pth"), "w") as link:
            link.write(os.path.relpath(HERE, packages) + "\n")
    path = os.path.join(VENV, "bin", "grantflow")
    with open(path, "w") as launcher:
        launcher.write(LAUNCHER % HAND_OVER)
    os.chmod(path, 0o755)  # noqa: S103 - a command, for whoever may read the folder


def write_stamp(lock_names):
    """Declare the environment finished. The stamp appears whole or not at all."""
    with open(STAMP + ".new", "w") as stamp:
        stamp.write("python %s\n" % os.path.realpath(PYTHON))
        for name in sorted(set(lock_names)):
            stamp.write("%s %s\n" % (name, digest(name)))
        stamp.flush()
        os.fsync(stamp.fileno())
    os.unlink(HALF_MADE)
    os.rename(STAMP + ".new", STAMP)


# ---- hand over -----------------------------------------------------------------------------------


def test_arguments(arguments):
    """pytest's arguments: the whole suite is shared between the processors, a chosen part runs in one."""
    processors = min(4, os.cpu_count() or 1)
    all_of_them = ("--thorough", "--database=postgresql", "--database=both", "-q", "-v", "-x")
    if processors > 1 and all(argument in all_of_them for argument in arguments):
        return ["-n", str(processors), "--dist", "loadfile"] + arguments
    return arguments


def hand_over(arguments):
    """Become the program asked for; comes back only with a refusal."""
    command = [PYTHON, "-P"]
    if arguments[0] == "test":
        os.chdir(HERE)
        command += ["-m", "pytest"] + test_arguments(arguments[1:])
    else:
        command += ["-c", HAND_OVER] + arguments
    for setting_of_another_python in ("PYTHONHOME", "PYTHONPATH"):
        os.environ.pop(setting_of_another_python, None)
    os.execv(PYTHON, command)


def main(arguments):
    """Do what was asked; returns the status of the program where it does not become another."""
    try:
        refuse_what_cannot_work()
        if not arguments or arguments[0] in ("help", "-h", "--help"):
            print(COMMANDS, end="")
            return 0
        wanted = DEVELOPMENT if arguments[0] == "test" else RUNTIME
        if not is_ready(wanted):
            prepare(wanted)
        hand_over(arguments)
    except Refusal as refusal:
        say(str(refusal))
        return 1
    except KeyboardInterrupt:
        say("\nStopped. The same command starts over cleanly.")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
