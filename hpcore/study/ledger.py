"""A study's trials in a store, shared with other workers: the optimizer's memory follows what is stored."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from hpcore.arguments import check_attributes
from hpcore.errors import (
    ConstraintError,
    DamagedStore,
    HpcoreError,
    InvalidArgument,
    InvalidType,
    LeaseExpired,
    SearchSpaceExhausted,
    StorageError,
    TrialAlreadyTold,
    UnknownStudy,
    UnknownTrial,
)
from hpcore.optimizer import Optimizer
from hpcore.records.history import COMPLETE, FAILED, RUNNING
from hpcore.records.trial import Trial, TrialState
from hpcore.storage.identity import Identity, is_dead
from hpcore.storage.plain import bounded_error, check_name, from_text, to_text
from hpcore.storage.records import StudyRecord, TrialRecord
from hpcore.storage.spaces import params_from_text, params_to_text
from hpcore.storage.sql import Storage
from hpcore.storage.transaction import Transaction
from hpcore.study.book import Book, Outcome
from hpcore.study.recall import Rows, read_notes, read_rows

__all__ = ["Ledger"]

log = logging.getLogger("hpcore")

T = TypeVar("T")

# A lease that ends later than this is no lease that anybody gave.
LONGEST_LEASE = 7 * 86400.0


class Ledger(Book):
    """Trials in a store.

    Parameters
    ----------
    optimizer : Optimizer
        New; filled with what is stored.
    storage : Storage
        The store.
    record : StudyRecord
        The study in it.
    lease : float
        Seconds after which a running trial that its worker did not renew may be given to another one.
    retries : int
        How often a trial whose worker died is evaluated again before it counts as failed.

    Notes
    -----
    A trial is proposed inside the transaction that stores it: numbers are unique, and the proposal knows all that is
    stored, the trials that run elsewhere included. A result is stored under the fencing token that the trial was given
    with. The token and not the clock decides: a lease that ran out is lost when another worker takes the trial, and
    until then the one result there is counts.
    """

    durable = True

    def __init__(self, optimizer: Optimizer, storage: Storage, record: StudyRecord, lease: float, retries: int) -> None:
        super().__init__(optimizer)
        self.storage, self.record, self.lease, self.retries = storage, record, lease, retries
        self.identity = Identity()
        self._lock = threading.RLock()
        # Given to this worker: being evaluated here, or with a result that is not handed on yet.
        self._held: dict[int, tuple[Trial, TrialRecord]] = {}
        # Running elsewhere, or given back.
        self._others: dict[int, TrialRecord] = {}
        # Results that the store would not take; they go with the next transaction.
        self._unsaved: dict[int, TrialRecord] = {}
        # Whether the memory may be ahead of the store, because a transaction did not end.
        self._stale = True
        # Whether another worker began a trial since this one's run did.
        self._shared = False
        self.refresh()

    @property
    def mode(self) -> str:
        """As stored, when it was last looked at."""
        return self.record.mode

    def __reduce__(self) -> Any:
        raise InvalidType(
            f"a stored study cannot be copied or sent; open it anew with hpcore.load_study({self.storage.shown!r}, "
            f"{self.record.name!r})"
        )

    # --- the memory ----------------------------------------------------------------------------------------------

    def _inside(self, work: Callable[[Transaction], T], reading: bool = False) -> T:
        """Do something in a transaction that brings the memory up to date first."""

        def attempt(transaction: Transaction) -> T:
            stale, self._stale = self._stale, True
            shared = self._shared
            if stale:
                self.optimizer.forget()
                self._others.clear()
                self._held = dict(held)
            self._synchronise(transaction, reading)
            if stale:
                self._shared = shared
            return work(transaction)

        with self._lock:
            held = dict(self._held)
            try:
                result = self.storage.read(attempt) if reading else self.storage.write(attempt)
            except BaseException:
                # What this transaction gave to this worker, if it was stored after all, has its name and is taken up.
                self._held = held
                raise
            self._stale = False
            if not reading:
                self._unsaved.clear()
            return result

    def _synchronise(self, transaction: Transaction, reading: bool) -> None:
        self.record = transaction.current(self.record.id, lock=not reading)
        if not reading:
            self._flush(transaction)
        open_elsewhere = sorted(number for number in self.optimizer.running() if number not in self._held)
        known = self.optimizer.n_trials
        rows = transaction.trials(self.record, known, open_elsewhere)
        for fields in rows[: len(open_elsewhere)]:
            self._take_in(TrialRecord.from_fields(fields))
        self._append(rows[len(open_elsewhere) :], known)

    def _append(self, fields: list[tuple[Any, ...]], first: int) -> None:
        """Trials that this optimizer did not ask for."""
        if not fields:
            return
        self._shared = True
        rows: Rows = read_rows(fields, self.optimizer.space, len(self.optimizer.directions), self.record.name)
        for i in np.flatnonzero(rows.state == RUNNING).tolist():
            self._others[first + i] = TrialRecord.from_fields(fields[i])
        mine = [number for number in self._held if number >= first]
        for number in mine:
            # Ours, whatever is stored: its result is handed on when its turn comes.
            self._others.pop(number, None)
            rows.hide(number - first)
        self.optimizer.restore(rows.X, rows.state, rows.values, rows.std_errors, rows.times, rows.notes)
        for number in mine:
            trial = self._held[number][0]
            # It may have been told in a transaction that did not end.
            trial.state, trial.values, trial.error = TrialState.RUNNING, None, None
            self.optimizer.reopen(trial)

    def _take_in(self, record: TrialRecord) -> None:
        """What a trial that ran elsewhere is now."""
        if record.state == RUNNING:
            self._others[record.number] = record
            return
        self._others.pop(record.number, None)
        trial = self.optimizer.running()[record.number]
        trial.started, trial.finished = record.started, record.finished
        trial.extras = read_notes(record.notes)
        values = None if record.objective is None else tuple(from_text(record.objective))
        self.optimizer.tell(trial, values, std_error=record.std_error, error=record.error)

    def _flush(self, transaction: Transaction) -> None:
        for number, record in list(self._unsaved.items()):
            if not transaction.replace(record, record.token):
                log.warning("the result of trial %d came too late: another worker has it", number)
            self._held.pop(number, None)
        # What became of them is taken in from the store, by what follows.

    def refresh(self) -> None:
        """Learn what others stored."""
        if self._unsaved and not self.storage.read_only:
            self._inside(lambda transaction: None)
        else:
            self._inside(lambda transaction: None, reading=True)

    # --- asking --------------------------------------------------------------------------------------------------

    def ask(self) -> Trial:
        """The next trial to evaluate: one that lost its worker, one from the queue, or a new proposal."""
        trial = self.ask_within(None)
        assert trial is not None
        return trial

    def ask_within(self, most: int | None) -> Trial | None:
        """As `ask`; None if a new trial would be more than so many in the study."""

        trial = self._inside(lambda transaction: self._next_trial(transaction, most))
        if isinstance(trial, HpcoreError):
            raise trial
        return trial

    def _next_trial(self, transaction: Transaction, most: int | None) -> Trial | HpcoreError | None:
        at_once = self.record.mode == "lag 1" and bool(self._held)
        if (self._shared or at_once) and self.record.mode != "fast":
            self._change_mode(transaction, "fast")
        lost = self._claim(transaction)
        if lost is not None:
            return lost
        if most is not None and self.optimizer.n_trials >= most:
            return None
        given = transaction.dequeue(self.record.id)
        # Not raised yet: what was stored on the way stays, and a point that cannot be asked for leaves the queue.
        try:
            if given is not None:
                self.optimizer.enqueue(self._read_params(given))
            trial = self.optimizer.ask()
        except SearchSpaceExhausted as end:
            return end
        except HpcoreError as wrong:
            if given is None or isinstance(wrong, ConstraintError):
                raise
            return wrong
        return self._insert(transaction, trial, None)

    def _read_params(self, text: str) -> dict[str, Any]:
        try:
            return params_from_text(self.optimizer.space, text)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise DamagedStore(f"enqueued parameters of study {self.record.name!r} are damaged: {error}") from None

    def _insert(self, transaction: Transaction, trial: Trial, outcome: Outcome | None) -> Trial:
        """Store a trial that the optimizer has just registered."""
        history, number = self.optimizer.history, trial.number
        now = transaction.now()
        record = TrialRecord(
            study_id=self.record.id,
            number=number,
            state=RUNNING,
            exact=int("params" in history.notes.get(number, {})),
            point=history.X[number].astype("<f8").tobytes(),
            params=params_to_text(self.optimizer.space, trial.params),
            token=1,
            worker=self.identity.name,
            lease=now + self.lease,
        )
        if outcome is not None:
            record = self._finished(record, trial, outcome)
        else:
            self._held[number] = (trial, record)
        transaction.insert(record)
        self.record = replace(self.record, n_trials=number + 1)
        transaction.change(self.record)
        return trial

    def _claim(self, transaction: Transaction) -> Trial | None:
        """The first trial that lost its worker, given to this one; None if there is none."""
        if not self._others:
            return None
        now = transaction.now()
        for number, record in sorted(self._others.items()):
            if record.state != RUNNING or self._is_kept(record, now):
                continue
            died = record.worker is not None and record.worker != self.identity.name
            if died and record.deaths >= self.retries:
                n = record.deaths + 1
                error = (
                    f"WorkerDied: {n} worker{'s' if n > 1 else ''} ended, or let the lease run out, while evaluating it"
                )
                failed = replace(record.ended(FAILED, None, None, (None, None), error, None), deaths=n)
                transaction.replace(failed, record.token)
                self._take_in(failed)
                continue
            claimed = record.given_to(self.identity.name, now + self.lease, died)
            transaction.replace(claimed, record.token)
            del self._others[number]
            trial = self.optimizer.running()[number]
            self._held[number] = (trial, claimed)
            return trial
        return None

    def _is_kept(self, record: TrialRecord, now: float) -> bool:
        """Whether a running trial's worker is still entitled to it."""
        if record.worker is None or record.lease is None or record.worker == self.identity.name:
            return False
        return now <= record.lease <= now + LONGEST_LEASE and not is_dead(record.worker)

    # --- telling -------------------------------------------------------------------------------------------------

    def conclude(self, trial: Trial, value: Any, error: str | None) -> Outcome:
        """Judge, save and tell a result; raises what `save` does."""
        outcome = self.save(trial, self.judge(value, None, error))
        self.tell(trial, outcome)
        return outcome

    def save(self, trial: Trial, outcome: Outcome) -> Outcome:
        """Store a result; it is on the disk when this returns.

        Raises
        ------
        LeaseExpired
            The trial was given to another worker, or given up.
        StorageError
            The store did not take it; it is tried again with the next transaction.
        """
        record, outcome = self._record_of(trial, outcome)
        with self._refused(record):
            self.storage.write(lambda transaction: self._store(transaction, record))
        with self._lock:
            self._held[trial.number] = (trial, record)
        return outcome

    def save_and_ask(self, trial: Trial, outcome: Outcome) -> tuple[Outcome, Trial | None]:
        """See `Book.save_and_ask`; raises what `save` does."""
        record, outcome = self._record_of(trial, outcome)

        def work(transaction: Transaction) -> Trial | Exception | None:
            self._store(transaction, record)
            if trial.number in self.optimizer.running():
                self.tell(trial, outcome)
            try:
                return self._next_trial(transaction, None)
            except self.storage.troubles:
                raise
            except Exception as error:  # a constraint's, or the sampler's: the result is stored all the same
                return error

        with self._refused(record):
            following = self._inside(work)
        if isinstance(following, SearchSpaceExhausted):
            log.info("%s", following)
            return outcome, None
        if isinstance(following, Exception):
            self._stale = True
            raise following
        return outcome, following

    def _record_of(self, trial: Trial, outcome: Outcome) -> tuple[TrialRecord, Outcome]:
        """What is to be stored of a result, and the result as which it counts."""
        with self._lock:
            known = self._held.get(trial.number)
            if known is None:
                raise self._not_held(trial)
            known[0].check_copy(trial)
            try:
                return self._finished(known[1], trial, outcome), outcome
            except HpcoreError as wrong:  # attributes that are not plain data
                outcome = (None, None, str(wrong))
                trial.extras = (None, None)
                return self._finished(known[1], trial, outcome), outcome

    def _store(self, transaction: Transaction, record: TrialRecord) -> None:
        if transaction.replace(record, record.token):
            return
        found = transaction.trial(record.study_id, record.number)
        if found is None:
            raise UnknownStudy(f"trial {record.number} was deleted from {self.storage.shown} with its study")
        if found != record:  # equal after a commit of which only the answer was lost
            became = "it was given to another worker" if found.state == RUNNING else "it has another result"
            raise LeaseExpired(f"the result of trial {record.number} came too late: its lease ran out and {became}")

    @contextmanager
    def _refused(self, record: TrialRecord) -> Iterator[None]:
        """What becomes of a result that the store does not take."""
        try:
            yield
        except LeaseExpired:
            with self._lock:
                self._held.pop(record.number, None)
            raise
        except StorageError:
            with self._lock:
                self._unsaved[record.number] = record
            raise

    def _not_held(self, trial: Trial) -> HpcoreError:
        if 0 <= trial.number < self.optimizer.n_trials:
            if trial.number in self.optimizer.running():
                return LeaseExpired(f"trial {trial.number} is not, or no longer, this worker's to tell")
            return TrialAlreadyTold(f"trial {trial.number} has been told already")
        return UnknownTrial(
            f"trial must be one that was asked for (0 .. {self.optimizer.n_trials - 1}), got {trial.number}"
        )

    def _finished(self, record: TrialRecord, trial: Trial, outcome: Outcome) -> TrialRecord:
        values, std_error, error = outcome
        notes: dict[str, Any] = {}
        user_attrs, reports = trial.extras
        if user_attrs:
            notes["user_attrs"] = user_attrs
        if reports:
            notes["reports"] = [[int(step), float(value)] for step, value in reports.items()]
        return record.ended(
            COMPLETE if values is not None else FAILED,
            None if values is None else json.dumps(list(values)),
            std_error,
            (trial.started, trial.finished),
            bounded_error(error),
            to_text("user_attrs and reports", notes) if notes else None,
        )

    def tell(self, trial: Trial, outcome: Outcome) -> None:
        """Let the optimizer learn from a saved result."""
        with self._lock:
            self._held.pop(trial.number, None)
            super().tell(trial, outcome)

    def give_up(self, trials: Sequence[Trial]) -> None:
        """Give trials back: whoever goes on evaluates them, so that an interrupted run gives what a whole one does."""
        with self._lock:
            given = [trial.number for trial in trials if trial.number not in self._unsaved]
            mine = [self._held.pop(number) for number in given if number in self._held]

        def work(transaction: Transaction) -> None:
            for _, record in mine:
                transaction.replace(replace(record, worker=None, lease=None), record.token)

        if not mine:
            return
        try:
            self.storage.write(work)
        except StorageError as error:
            # They stay this worker's in name, and it takes them up again by itself.
            log.warning("%d trials could not be given back: %s", len(mine), error)
            self._stale = True
            return
        for trial, record in mine:
            self._others[trial.number] = replace(record, worker=None, lease=None)

    @property
    def beat_every(self) -> float | None:
        """See `Book.beat_every`."""
        return None if self.storage.shared else self.lease  # nobody else sees a database in memory

    def renew(self) -> None:
        """Renew the leases of what is being evaluated here; for the heartbeat's thread."""
        with self._lock:
            mine = [record for _, record in self._held.values() if record.state == RUNNING]

        def work(transaction: Transaction) -> list[TrialRecord]:
            until = transaction.now() + self.lease
            fresh = [replace(record, lease=until) for record in mine]
            return [record for record in fresh if transaction.replace(record, record.token)]

        if not mine:
            return
        renewed = self.storage.write(work)
        with self._lock:
            for record in renewed:
                trial, known = self._held.get(record.number, (None, None))
                if trial is not None and known is not None and known.state == RUNNING and known.token == record.token:
                    self._held[record.number] = (trial, record)

    # --- runs ----------------------------------------------------------------------------------------------------

    def begin(self, mode: str, alone: bool) -> list[Trial]:
        """Begin a run of a mode; if it must be alone, with the trials that an earlier run left unfinished.

        Raises
        ------
        InvalidArgument
            It must be alone, and another worker has a trial.
        """

        def work(transaction: Transaction) -> list[Trial]:
            now = transaction.now()
            others = [number for number, record in self._others.items() if self._is_kept(record, now)]
            if others and alone:
                raise InvalidArgument(
                    f"deterministic=True needs study {self.record.name!r} for itself, and another worker evaluates "
                    f"trial {others[0]}; wait for it, or use deterministic=False"
                )
            mine = "fast" if others else mode
            self._change_mode(transaction, mine if self.record.mode in ("", mine) else "fast")
            self._shared = False
            lost: list[Trial] = []
            while alone and (trial := self._claim(transaction)) is not None:
                lost.append(trial)
            return lost

        return self._inside(work)

    def _change_mode(self, transaction: Transaction, mode: str) -> None:
        if mode != self.record.mode:
            self.record = replace(self.record, mode=mode)
            transaction.change(self.record)

    def rewind(self, lag: int) -> dict[int, tuple[Trial, Outcome]]:
        """See `Book.rewind`."""
        known = super().rewind(lag)
        with self._lock:
            for number, (trial, _) in known.items():
                # Held, so that what is stored does not reach the optimizer before its turn.
                self._held[number] = (trial, TrialRecord(self.record.id, number, COMPLETE, 0, b"", "{}"))
        return known

    def add(
        self, params: Mapping[str, Any], value: Any, std_error: float | None, user_attrs: Mapping[str, Any] | None
    ) -> Trial:
        """Record an evaluation made elsewhere."""
        to_text("user_attrs", check_attributes("user_attrs", user_attrs))  # or the trial is known and cannot be stored

        def work(transaction: Transaction) -> Trial:
            trial = self.optimizer.add(params, value, std_error=std_error, user_attrs=user_attrs)
            return self._insert(transaction, trial, (trial.values, std_error, trial.error))

        return self._inside(work)

    def enqueue(self, params: Mapping[str, Any]) -> None:
        """Have parameters evaluated next, by whichever worker asks next."""
        given = params_to_text(self.optimizer.space, self.optimizer.space.check_partial(params))
        self._change(lambda transaction: transaction.enqueue(self.record.id, given))

    def add_fold(self, number: int, fold: int, score: Any) -> None:
        """Make the score of one fold durable, as plain data."""
        text = to_text(f"the score of fold {fold}", score)
        self._change(lambda transaction: transaction.add_fold(self.record.id, number, fold, text))

    def _change(self, work: Callable[[Transaction], None]) -> None:
        """Do something in a transaction, if the study is still there."""

        def inside(transaction: Transaction) -> None:
            transaction.current(self.record.id, lock=True)
            work(transaction)

        self.storage.write(inside)

    def folds(self, numbers: Sequence[int]) -> dict[tuple[int, int], Any]:
        """Durable scores of folds by (trial, fold)."""
        return self.storage.read(lambda transaction: transaction.folds(self.record.id, numbers))

    def attributes(self) -> dict[str, Any]:
        """The study's attributes as stored now."""
        return self.storage.read(lambda transaction: transaction.attributes(self.record.id))

    def set_attribute(self, name: str, value: Any) -> None:
        """Set or, with None, remove an attribute."""
        check_name("an attribute's name", name)
        text = None if value is None else to_text(f"attribute {name!r}", value)
        self._change(lambda transaction: transaction.set_attribute(self.record.id, name, text))
