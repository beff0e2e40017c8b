"""The ``hpcore`` command: its options, help and error messages. Heavy imports are delayed until they are needed."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import nullcontext
from typing import Any, NoReturn

import click

from hpcore.cli import checks
from hpcore.cli.interrupts import INTERRUPTED, CtrlC
from hpcore.errors import HpcoreError
from hpcore.tables.catalogue import CLASSIFICATION_MODELS, DATA_SETS, REGRESSION_MODELS, with_remark

__all__ = ["main"]

FAILED, WRONG_USE = 1, 2


class _Commands(click.Group):
    """A group of commands that reports every error as one line on stderr; ``--debug`` adds the traceback."""

    def main(self, *args: Any, **kwargs: Any) -> NoReturn:
        given = args[0] if args else kwargs.get("args")
        debug = "--debug" in (sys.argv[1:] if given is None else given)
        kwargs["standalone_mode"] = False
        try:
            with CtrlC() if given is None else nullcontext() as ctrl_c:
                try:
                    code = super().main(*args, **kwargs)
                    if code == INTERRUPTED and ctrl_c is not None:
                        ctrl_c.end_quietly()
                except (Exception, KeyboardInterrupt) as error:
                    if ctrl_c is not None and (ctrl_c.seen or isinstance(error, (click.Abort, KeyboardInterrupt))):
                        ctrl_c.end_quietly()
                        raise click.Abort from error  # an import that is interrupted may raise another error
                    raise
        except BrokenPipeError:
            # The reader of stdout, such as head, has ended. Without this, Python reports an error in its last flush.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(FAILED)
        except (Exception, KeyboardInterrupt) as error:
            if debug:
                traceback.print_exc()
            code, message = _exit_status(error)
            click.echo(message, err=error.__class__ is not click.exceptions.NoArgsIsHelpError)
            sys.exit(code)
        sys.exit(code if isinstance(code, int) else 0)


def _exit_status(error: BaseException) -> tuple[int, str]:
    """Return the exit code and the message for an error that ended the command."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return WRONG_USE, error.format_message()
    if isinstance(error, (click.Abort, KeyboardInterrupt)):
        return INTERRUPTED, "Error: interrupted before there was a result"
    if isinstance(error, click.ClickException):
        code, message = error.exit_code, error.format_message()
    elif isinstance(error, HpcoreError):
        code = WRONG_USE if isinstance(error, (ValueError, TypeError, ImportError)) else FAILED
        message = str(error)
    else:
        code, message = FAILED, f"{type(error).__name__}: {error} (--debug shows where)"
    return code, "Error: " + " ".join(message.split())


def _listing(words: Any) -> str:
    return ", ".join(words)


class _TuneCommand(click.Command):
    """Command with the names of the samplers in its help, which needs an import and is therefore delayed."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from hpcore import samplers, schedulers

        with formatter.section("Data sets that ship with scikit-learn"):
            formatter.write_dl(list(DATA_SETS.items()))
        with formatter.section("Models (hpcore models shows their search spaces)"):
            formatter.write_dl(
                [
                    ("classification", _listing(map(with_remark, CLASSIFICATION_MODELS))),
                    ("regression", _listing(map(with_remark, REGRESSION_MODELS))),
                ]
            )
        with formatter.section("Samplers"):
            formatter.write_text(_listing(samplers.names()))
        with formatter.section("Schedulers"):
            formatter.write_text(_listing(schedulers.names()))


def _version(context: click.Context, option: click.Parameter, value: bool) -> None:
    if not value or context.resilient_parsing:
        return
    import hpcore

    click.echo(f"hpcore {hpcore.__version__}")
    context.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--version", is_flag=True, callback=_version, expose_value=False, is_eager=True, help="Show the version.")
def main() -> None:
    """Find good hyperparameters in few evaluations.

    \b
    Examples
      hpcore tune breast_cancer --model svc          a data set that ships with scikit-learn
      hpcore tune houses.csv --target price          a file; the other options have defaults
      hpcore tune --help                             all options, models, samplers, data sets
      hpcore predict hpcore-out new.csv              predictions of the tuned model
      hpcore show hpcore-out                         what a directory of hpcore tune holds
      hpcore models                                  the models and their search spaces
      hpcore sweep sweep.yaml                        a sweep job of Azure ML, on this machine
      hpcore watch runs.db                           a stored study while it runs
      hpcore importance runs.db                      which parameters mattered in a stored study
      hpcore report runs.db                          a page with pictures of a stored study
    """


@main.command(cls=_TuneCommand)
@click.argument("data")
@click.option(
    "--target",
    metavar="COLUMN",
    multiple=True,
    callback=checks.one,
    help='The column to predict.  [default: the one named "target"]',
)
@click.option(
    "--drop",
    metavar="COLUMN",
    multiple=True,
    callback=checks.several,
    help="Column to leave out, such as one that is not known yet when the model is used. May be given several times.",
)
@click.option(
    "--positive",
    metavar="CLASS",
    multiple=True,
    callback=checks.one,
    help="Class of two that counts as positive for scores such as f1, precision, recall and average_precision.  "
    "[default: 1; other classes need the option]",
)
@click.option(
    "--task",
    type=click.Choice(["classification", "regression"]),
    multiple=True,
    callback=checks.one,
    help="Kind of prediction.  [default: classification if the target is text, true/false, or whole numbers with few "
    "distinct values; else regression]",
)
@click.option(
    "--model",
    "models",
    metavar="NAME",
    multiple=True,
    callback=checks.several,
    help="The model; auto chooses among those that suit the table, and --model given several times among these.  "
    "[default: svc or svr below 2,000 rows of mostly numbers, else hist_gradient_boosting]",
)
@click.option(
    "--sampler",
    metavar="NAME",
    multiple=True,
    default=["gp"],
    show_default=True,
    callback=checks.one,
    help="Sampler that proposes the trials; a grid is as fine as --trials allows.",
)
@click.option(
    "--scheduler",
    metavar="NAME",
    multiple=True,
    callback=checks.one,
    help="Scheduler that gives candidates little of a resource first, and more of it to the best, such as hyperband. "
    "The search is not stored then.  [default: none; with several models asha on 5,000 rows and more]",
)
@click.option(
    "--resource",
    metavar="NAME",
    multiple=True,
    callback=checks.one,
    help="Resource of the scheduler: n_samples, or a whole-number parameter of the model such as n_estimators.  "
    "[default: n_samples]",
)
@click.option(
    "--trials",
    type=int,
    metavar="N",
    callback=checks.number("--trials", 1),
    help="Number of candidates to evaluate.  [default: 40, 100 with several models, or as many as --time or --timeout "
    "allows]",
)
@click.option(
    "--time",
    type=float,
    metavar="SECONDS",
    callback=checks.timeout,
    help="Time for the whole command: reading the data, the search, and the final fit, for which the search leaves as "
    "much time as the best candidate so far needs. Folds that run when the search ends are finished, and at least one "
    "candidate is completed; writing the files comes after it. Excludes --timeout.",
)
@click.option(
    "--timeout",
    type=float,
    metavar="SECONDS",
    callback=checks.timeout,
    help="Time for the search alone: no fold starts after it. A candidate that lacks folds then is continued by hpcore "
    "resume; at least one candidate is completed. The final fit comes after it, see --time.",
)
@click.option(
    "--fit-timeout",
    type=float,
    metavar="SECONDS",
    callback=checks.timeout,
    help="Time for one fold: one that takes longer is ended, and counts as failed.",
)
@click.option(
    "--racing",
    is_flag=True,
    help="Stop candidates before their last fold where those that have run show that they very probably lose against "
    "the best. With several models that is always so.",
)
@click.option(
    "--ensemble",
    is_flag=True,
    help="With several models: save the weighted mean of several candidates, if it is better on rows that they had not "
    "seen.",
)
@click.option(
    "--cv",
    type=int,
    metavar="K",
    callback=checks.number("--cv", 2),
    help="Number of shuffled folds.  [default: 5; with several models they are drawn twice below 1,000 rows, and there "
    "are 3 on 20,000 rows and more]",
)
@click.option(
    "--scoring",
    metavar="NAME",
    multiple=True,
    callback=checks.one,
    help="Scorer of scikit-learn.  [default: r2, accuracy, or for imbalanced classes roc_auc or balanced_accuracy]",
)
@click.option(
    "--jobs",
    type=int,
    metavar="N",
    default=-1,
    callback=checks.number("--jobs", 1, (-1,)),
    help="Number of worker processes.  [default: -1, one per core]",
)
@click.option(
    "--seed",
    type=int,
    metavar="S",
    default=0,
    show_default=True,
    callback=checks.seed,
    help="Seed. The same seed repeats a run; with several workers, the proposals of gp and tpe also depend on timing.",
)
@click.option(
    "--out",
    metavar="DIR",
    help="Directory of the results and of runs.db, which continues the same search. One that holds the files of "
    "another search is refused.  [default: hpcore-out, or hpcore-out-2, -3, ... if that holds another search]",
)
@click.option("--overwrite", is_flag=True, help="Replace the files of another search in DIR; runs.db keeps both.")
@click.option(
    "--encoding",
    metavar="NAME",
    multiple=True,
    callback=checks.one,
    help="Encoding of a text file, such as cp1252, latin-1, utf-16 or shift_jis.  [default: by byte order "
    "mark, else UTF-8 if the file is valid UTF-8, else cp1252]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout instead of the report.")
@click.option("--debug", is_flag=True, help="Show warnings, and the traceback of an error.")
@click.pass_context
def tune(context: click.Context, /, **options: Any) -> None:
    """Tune a model on DATA by cross-validation, on every core.

    DATA is a .csv, .tsv or .txt file (also .gz), a .parquet file, or the name of a data set that ships with
    scikit-learn. Missing numbers are replaced by the median, with an indicator, and columns are scaled, if the model
    needs it. Text of up to 30 categories is one-hot encoded, text of more has the mean of the target instead, or
    indicators of the most frequent categories; prose becomes TF-IDF components, and dates become numbers. Columns that
    cannot help are left out, with a note.

    Text files may have commas, semicolons, tabs or bars as separators, be in UTF-8, UTF-16 or Windows-1252 (--encoding
    for others), and have a sep= line, titles or # comments above the header. Numbers may be written 1,234.5, 1.234,50,
    3,14, $1,234, 12.5 % (which is 12.5), (1,234) or 5 km; the whole column decides. Among numbers, NA, nan, - or ? is
    missing. In a text target such a word is a class, and only an empty cell is missing; in other text columns it is a
    category, and the words that pandas reads as missing are one category with empty cells. Codes with leading zeros and
    whole numbers beyond 2**53 stay text. Notes report these decisions, and the saved model applies them to the frame of
    a plain pandas.read_csv.

    With --model auto, or several --model, the choice of the model is a part of the search: each model begins with its
    own parameters, the better ones get most of the time, and the report has a leaderboard with a paired test of each
    against the best. LightGBM, XGBoost and CatBoost take part where they are installed.

    \b
    Examples
      hpcore tune breast_cancer --model svc --trials 40
      hpcore tune houses.csv --target price --model hist_gradient_boosting --time 600 --racing
      hpcore tune houses.csv --target price --model auto --time 300
      hpcore tune houses.csv --target price --scheduler hyperband --sampler tpe
      hpcore tune churn.parquet --target left --drop exit_date --scoring roc_auc --cv 10 --out churn-run
      hpcore tune iris --json | jq .best_params

    Each finished fold is stored in DIR/runs.db: the same command on the same data continues the search, and with more
    --trials extends it. A search with other data, model, sampler, seed or score is another one, whose files go to
    another DIR; study.json in DIR says which search its files belong to.

    The results are files in DIR: trials.csv (every trial, its parameters, scores and times), best_params.json,
    best_model.joblib, the pipeline fitted to all rows, for joblib.load(...).predict(a DataFrame like DATA) or hpcore
    predict, predict.py and others that use it without hpcore, leaderboard.csv of several models, and report.html with
    pictures of the search, if plotly is installed: pip install "hpcore[report]". The report on the terminal shows the
    scores of a constant answer and of the model's own parameters for comparison, and names what may make a score
    misleading, such as columns that alone give a nearly perfect score, equal rows, or rows in the order of time. Ctrl-C
    ends the search and keeps the finished trials.
    """
    from hpcore.cli.request import Request
    from hpcore.cli.tune import run

    context.exit(run(Request(**options)))


@main.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
def models(names: tuple[str, ...]) -> None:
    """List the models and their search spaces."""
    from hpcore.cli.models import show

    show(names)


@main.command()
@click.argument("file", metavar="SWEEP.YAML")
@click.option("--trials", type=int, metavar="N", callback=checks.number("--trials", 1), help="Total number of trials.")
@click.option("--jobs", type=int, metavar="N", callback=checks.number("--jobs", 1), help="Number of trials at a time.")
@click.option(
    "--timeout", type=float, metavar="SECONDS", callback=checks.timeout, help="Start no further trial after this time."
)
@click.option(
    "--trial-timeout", type=float, metavar="SECONDS", callback=checks.timeout, help="End a trial after this time."
)
@click.option("--sampler", metavar="NAME", multiple=True, callback=checks.one, help="Another sampler, such as gp.")
@click.option(
    "--seed", type=int, metavar="S", callback=checks.optional_seed, help="Seed.  [default: that of the file, or 0]"
)
@click.option(
    "--out",
    metavar="DIR",
    help="Directory of the results and of runs.db, which continues the same sweep. One that holds the files of another "
    "sweep is refused.  [default: hpcore-sweep, or hpcore-sweep-2, -3, ... if that holds another sweep]",
)
@click.option("--overwrite", is_flag=True, help="Replace the files of another sweep in DIR; runs.db keeps both.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout instead of the report.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def sweep(context: click.Context, /, **options: Any) -> None:
    """Run a sweep job of Azure ML on this machine.

    SWEEP.YAML is the file of a job of type sweep. Each trial runs the command of the file with the values of
    ${{search_space.NAME}}, in the folder of trial.code. Lines that it prints, such as "loss: 0.25" for the metric
    loss, are its values: the last one counts, and the earlier ones decide whether early_termination ends the trial.
    Options replace what the file says; keys without an effect on this machine, such as compute, are listed.

    The results are trials.csv and best_params.json in DIR. The same command continues the sweep, and Ctrl-C keeps the
    finished trials.
    """
    from hpcore.cli.sweep import Request, run

    context.exit(run(Request(**options)))


_store = click.argument("store", metavar="RUNS.DB")
_study = click.argument("study", required=False)


@main.command()
@_store
@_study
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def show(store: str, study: str | None, as_json: bool, debug: bool) -> None:
    """Show the studies of a store, or one STUDY: its trials by state, the best and the newest.

    RUNS.DB is a file, the directory of hpcore tune, or a postgresql:// URL. For a directory without STUDY, the model,
    its scores and parameters, the files and the commands to go on with are shown.
    """
    from hpcore.cli.show import show

    show(store, study, as_json)


@main.command()
@_store
@_study
@click.option(
    "--interval",
    type=float,
    metavar="SECONDS",
    default=1.0,
    show_default=True,
    callback=checks.interval,
    help="Time between two looks.",
)
@click.option("--once", is_flag=True, help="Show it once, as where stdout is no terminal.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def watch(store: str, study: str | None, interval: float, once: bool, debug: bool) -> None:
    """Watch a STUDY while it runs: trials by state, the best, workers, recent trials, rate and failures.

    q or Ctrl-C ends. RUNS.DB is a file, the directory of hpcore tune, or a postgresql:// URL; it is only read.
    """
    from hpcore.cli.watch import watch

    watch(store, study, interval, once)


@main.command()
@_store
@_study
@click.option(
    "--trials", type=int, metavar="N", callback=checks.number("--trials", 1), help="Total number of candidates."
)
@click.option("--time", type=float, metavar="SECONDS", callback=checks.timeout, help="Time for the whole command.")
@click.option("--timeout", type=float, metavar="SECONDS", callback=checks.timeout, help="Time for the search alone.")
@click.option(
    "--jobs", type=int, metavar="N", callback=checks.number("--jobs", 1, (-1,)), help="Number of worker processes."
)
@click.option(
    "--overwrite", is_flag=True, help="Replace the files beside RUNS.DB if they are those of another study there."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout instead of the report.")
@click.option("--debug", is_flag=True, help="Show warnings, and the traceback of an error.")
@click.pass_context
def resume(context: click.Context, /, **options: Any) -> None:
    """Continue a STUDY of hpcore tune with its original options.

    The data is read again from its original path; the results are written beside RUNS.DB.
    """
    from hpcore.cli.tune import resume

    context.exit(resume(**options))


@main.command()
@_store
@_study
@click.option(
    "--csv/--json", "as_csv", default=True, help="CSV with one row per trial (the default), or everything as JSON."
)
@click.option("--out", metavar="FILE", help="Output file.  [default: stdout]")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def export(store: str, study: str | None, as_csv: bool, out: str | None, debug: bool) -> None:
    """Write the trials of a STUDY as CSV or JSON."""
    from hpcore.cli.stores import export

    export(store, study, not as_csv, out)


@main.command()
@_store
@_study
@click.option(
    "--method",
    metavar="NAME",
    default="ped_anova",
    show_default=True,
    help="ped_anova (what separates the best trials from all) or fanova (what makes values differ).",
)
@click.option(
    "--target",
    metavar="NAME",
    help="Quantity: the number of an objective, cost, or a metric.  [default: the objective; with several, for "
    "ped_anova, the Pareto front]",
)
@click.option(
    "--model",
    metavar="NAME",
    help="Model of fanova: gp (a Gaussian process) or forest (a random forest).  [default: gp]",
)
@click.option("--pairs", is_flag=True, help="Show interactions of two parameters too (fanova).")
@click.option(
    "--seed", type=int, metavar="S", default=0, show_default=True, callback=checks.seed, help="Seed of the intervals."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def importance(
    store: str,
    study: str | None,
    method: str,
    target: str | None,
    model: str | None,
    pairs: bool,
    seed: int,
    as_json: bool,
    debug: bool,
) -> None:
    """Show which parameters mattered in a STUDY, with 95 % intervals.

    The program that wrote the study is not needed.
    """
    from hpcore.cli.importance import show

    show(store, study, method, target, model, pairs, seed, as_json)


@main.command()
@_store
@_study
@click.option("--out", metavar="FILE", default="report.html", show_default=True, help="The page; it is replaced.")
@click.option("--title", metavar="TEXT", help="Heading of the page.  [default: the name of the study]")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def report(store: str, study: str | None, out: str, title: str | None, debug: bool) -> None:
    """Write a page with pictures of a STUDY: one HTML file that opens offline.

    History, importance, slices and surfaces of a surrogate, parallel coordinates, Pareto front, learning curves, folds,
    costs, a timeline of the workers and failures with their reasons. The program that wrote the study is not needed,
    and the study may still be running. Needs plotly: pip install "hpcore[report]".
    """
    from hpcore.cli.page import write

    write(store, study, out, title)


@main.command()
@_store
@click.option("--to", metavar="FILE", help="The new store.  [default: RUNS.repaired.db beside the old one]")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def repair(context: click.Context, /, store: str, to: str | None, debug: bool) -> None:
    """Save the intact records of a damaged store to a new one. The exit code is 1 if records were lost."""
    from hpcore.cli.stores import repair

    context.exit(repair(store, to))


@main.command()
@click.argument("directory", metavar="DIR")
@click.argument("data")
@click.option("--out", metavar="FILE", help="File of the predictions; it is replaced.  [default: stdout]")
@click.option("--proba", is_flag=True, help="Probabilities: a column for each class.")
@click.option("--encoding", metavar="NAME", help="Encoding of a text file, as in hpcore tune.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def predict(directory: str, data: str, out: str | None, proba: bool, encoding: str | None, debug: bool) -> None:
    """Predict each row of DATA with the model that hpcore tune saved in DIR.

    DATA is read as hpcore tune reads it. The result is a CSV file with a column named like the target, and a row for
    each row of DATA, in its order. Columns that the model does not use, such as the target, may be there or not.

    To load a model runs code: best_model.joblib is a pickle. Use only directories from people whom you trust. A
    directory whose files were changed after they were saved is refused, which finds accidents, not attackers.

    DIR/predict.py does the same without hpcore, with the packages in DIR/requirements.txt: python DIR/predict.py DATA
    """
    from hpcore.cli.predict import predict

    predict(directory, data, out, proba, encoding)
