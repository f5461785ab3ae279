"""The command line: verbs only. Everything heavy is imported inside a verb, so that `--help` stays fast."""

from __future__ import annotations

import os
import sys

from predictornas.extras import extra

with extra("cli", "The command line"):
    from cyclopts import App, CycloptsError

from predictornas.cli.architecture import architecture
from predictornas.cli.console import remark, speak_utf8
from predictornas.cli.doctor import doctor
from predictornas.cli.expect import expect
from predictornas.cli.figures import reproduce
from predictornas.cli.live import build_table, export, live_search, proxies, train
from predictornas.cli.predictors import predictors
from predictornas.cli.report import report
from predictornas.cli.studies import compare, gain, search
from predictornas.cli.supernet import supernet
from predictornas.cli.tables import data
from predictornas.errors import AtWorkError, PredictorNASError, on_screen
from predictornas.interrupts import STOPPED
from predictornas.limits import check_limits, explained

app = App(
    name="predictornas",
    help="Predictor-based neural architecture search on tabular benchmarks, and its gain over random search in dB.",
    help_format="plaintext",
    version_flags=["--version"],
    version=lambda: _version(),
)
for _verb in (
    gain,
    expect,
    search,
    compare,
    report,
    predictors,
    reproduce,
    live_search,
    supernet,
    architecture,
    train,
    export,
    build_table,
    proxies,
    data,
    doctor,
):
    app.command(_verb)
app.register_install_completion_command(help="Install completion for this shell: bash, zsh, fish or powershell.")


GONE = 141
"""Exit code where nobody reads what is printed any more: that of a program that the signal SIGPIPE ends."""


def main(arguments: list[str] | None = None) -> None:
    """Entry point. Exit codes: 0 done, 2 wrong input (the reason on standard error), 130 interrupted, 141 unread."""
    speak_utf8()
    try:
        if not {"--help", "-h", "--version"} & set(sys.argv[1:] if arguments is None else arguments):
            check_limits()
        try:
            app(arguments, exit_on_error=False, print_error=False)
        finally:
            sys.stdout.flush()  # a reader that has gone, as of `| head`, is noticed here and not by the interpreter
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(GONE)
    except CycloptsError as error:
        _fail(str(error) + " See --help.")
    except AtWorkError as error:
        remark(str(error))
    except PredictorNASError as error:
        _fail(str(error))
    except (MemoryError, OSError) as error:
        reason = explained(error)
        if reason is None:
            raise
        _fail(reason)
    except KeyboardInterrupt:
        remark(STOPPED)  # of a caller that has no process of its own for it, as `predictornas.__main__` has
        sys.exit(130)


def _fail(message: str) -> None:
    remark(f"Error: {on_screen(message)}")  # what an argument or a file holds may be long, and may be no text at all
    sys.exit(2)


def _version() -> str:
    from predictornas import __version__

    return __version__
