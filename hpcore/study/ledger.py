"""A study's trials in a store, shared with other workers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

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
from hpcore.optimizer.known import Known
from hpcore.records.history import COMPLETE, RUNNING
from hpcore.records.trial import Trial
from hpcore.storage.plain import check_name, to_text
from hpcore.storage.records import StudyRecord, TrialRecord
from hpcore.storage.spaces import params_from_text, params_to_text
from hpcore.storage.sql import Storage
from hpcore.storage.transaction import Transaction
from hpcore.study.book import Book, Outcome
from hpcore.study.entries import begun, ended, known_records
from hpcore.study.leases import Leases
from hpcore.study.mirror import Mirror

__all__ = ["Ledger"]

log = logging.getLogger("hpcore")


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
        self.storage = storage
        self._leases = Leases(lease, retries)
        self._mirror = Mirror(optimizer, storage, record)
        self.refresh()

    @property
    def record(self) -> StudyRecord:
        """The study, as stored when it was last looked at."""
        return self._mirror.record

    @property
    def mode(self) -> str:
        """As stored, when it was last looked at."""
        return self.record.mode

    def __reduce__(self) -> Any:
        raise InvalidType(
            f"a stored study cannot be copied or sent; open it anew with hpcore.load_study({self.storage.shown!r}, "
            f"{self.record.name!r})"
        )

    def refresh(self) -> None:
        """Learn what others stored."""
        self._mirror.refresh()

    # --- asking --------------------------------------------------------------------------------------------------

    def ask(self) -> Trial:
        """The next trial to evaluate: one that lost its worker, one from the queue, or a new proposal."""
        trial = self.ask_within(None)
        assert trial is not None
        return trial

    def ask_within(self, most: int | None) -> Trial | None:
        """As `ask`; None if a new trial would be more than so many in the study."""
        trial = self._mirror.inside(lambda transaction: self._next_trial(transaction, most))
        if isinstance(trial, HpcoreError):
            raise trial
        return trial

    def _next_trial(self, transaction: Transaction, most: int | None) -> Trial | HpcoreError | None:
        at_once = self.record.mode == "lag 1" and bool(self._mirror.all_held())
        if (self._mirror.shared or at_once) and self.record.mode != "fast":
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
        lease = transaction.now() + self._leases.seconds
        record = begun(self.optimizer, trial, self.record.id, self._leases.worker, lease)
        if outcome is not None:
            record = ended(record, trial, outcome)
        else:
            self._mirror.hold(trial, record)
        transaction.insert(record)
        self._mirror.change(transaction, n_trials=trial.number + 1)
        return trial

    def _claim(self, transaction: Transaction) -> Trial | None:
        """The first trial that lost its worker, given to this one; None if there is none."""
        waiting = self._mirror.elsewhere()
        if not waiting:
            return None
        now = transaction.now()
        for record in waiting:
            if record.state != RUNNING or self._leases.is_kept(record, now):
                continue
            taken = self._leases.take(record, now)
            transaction.replace(taken, record.token)
            if taken.state == RUNNING:
                return self._mirror.claim(taken)
            self._mirror.take_in(taken)
        return None

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
        self._mirror.hold(trial, record)
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
            following = self._mirror.inside(work)
        if isinstance(following, SearchSpaceExhausted):
            log.info("%s", following)
            return outcome, None
        if isinstance(following, Exception):
            self._mirror.doubt()
            raise following
        return outcome, following

    def _record_of(self, trial: Trial, outcome: Outcome) -> tuple[TrialRecord, Outcome]:
        """What is to be stored of a result, and the result as which it counts."""
        with self._mirror.lock:
            held = self._mirror.held(trial.number)
            if held is None:
                raise self._not_held(trial)
            mine, record = held
            mine.check_copy(trial)
            try:
                return ended(record, trial, outcome), outcome
            except HpcoreError as wrong:  # attributes that are not plain data
                outcome = (None, None, str(wrong))
                trial.extras = (None, None)
                return ended(record, trial, outcome), outcome

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
            self._mirror.let_go(record.number)
            raise
        except StorageError:
            self._mirror.save_later(record)
            raise

    def _not_held(self, trial: Trial) -> HpcoreError:
        if 0 <= trial.number < self.optimizer.n_trials:
            if trial.number in self.optimizer.running():
                return LeaseExpired(f"trial {trial.number} is not, or no longer, this worker's to tell")
            return TrialAlreadyTold(f"trial {trial.number} has been told already")
        return UnknownTrial(
            f"trial must be one that was asked for (0 .. {self.optimizer.n_trials - 1}), got {trial.number}"
        )

    def tell(self, trial: Trial, outcome: Outcome) -> None:
        """Let the optimizer learn from a saved result."""
        with self._mirror.lock:
            self._mirror.let_go(trial.number)
            super().tell(trial, outcome)

    def give_up(self, trials: Sequence[Trial]) -> None:
        """Give trials back: whoever goes on evaluates them, so that an interrupted run gives what a whole one does."""
        numbers = [trial.number for trial in trials if not self._mirror.is_unsaved(trial.number)]
        given = [replace(held[1], worker=None, lease=None) for held in map(self._mirror.let_go, numbers) if held]

        def work(transaction: Transaction) -> None:
            for record in given:
                transaction.replace(record, record.token)

        if not given:
            return
        try:
            self.storage.write(work)
        except StorageError as error:
            # They stay this worker's in name, and it takes them up again by itself.
            log.warning("%d trials could not be given back: %s", len(given), error)
            self._mirror.doubt()
            return
        for record in given:
            self._mirror.leave(record)

    @property
    def beat_every(self) -> float | None:
        """See `Book.beat_every`."""
        return None if self.storage.shared else self._leases.seconds  # nobody else sees a database in memory

    def renew(self) -> None:
        """Renew the leases of what is being evaluated here; for the heartbeat's thread."""
        mine = [record for _, record in self._mirror.all_held() if record.state == RUNNING]

        def work(transaction: Transaction) -> list[TrialRecord]:
            until = transaction.now() + self._leases.seconds
            fresh = [replace(record, lease=until) for record in mine]
            return [record for record in fresh if transaction.replace(record, record.token)]

        if not mine:
            return
        renewed = self.storage.write(work)
        with self._mirror.lock:
            for record in renewed:
                held = self._mirror.held(record.number)
                if held is not None and held[1].state == RUNNING and held[1].token == record.token:
                    self._mirror.hold(held[0], record)

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
            others = [record.number for record in self._mirror.elsewhere() if self._leases.is_kept(record, now)]
            if others and alone:
                raise InvalidArgument(
                    f"deterministic=True needs study {self.record.name!r} for itself, and another worker evaluates "
                    f"trial {others[0]}; wait for it, or use deterministic=False"
                )
            mine = "fast" if others else mode
            self._change_mode(transaction, mine if self.record.mode in ("", mine) else "fast")
            self._mirror.shared = False
            lost: list[Trial] = []
            while alone and (trial := self._claim(transaction)) is not None:
                lost.append(trial)
            return lost

        return self._mirror.inside(work)

    def _change_mode(self, transaction: Transaction, mode: str) -> None:
        if mode != self.record.mode:
            self._mirror.change(transaction, mode=mode)

    def rewind(self, lag: int) -> dict[int, tuple[Trial, Outcome]]:
        """See `Book.rewind`."""
        known = super().rewind(lag)
        for number, (trial, _) in known.items():
            # Held, so that what is stored does not reach the optimizer before its turn.
            self._mirror.hold(trial, TrialRecord(self.record.id, number, COMPLETE, 0, b"", "{}"))
        return known

    def add(
        self, params: Mapping[str, Any], value: Any, std_error: float | None, user_attrs: Mapping[str, Any] | None
    ) -> Trial:
        """Record an evaluation made elsewhere."""
        to_text("user_attrs", check_attributes("user_attrs", user_attrs))  # or the trial is known and cannot be stored

        def work(transaction: Transaction) -> Trial:
            trial = self.optimizer.add(params, value, std_error=std_error, user_attrs=user_attrs)
            return self._insert(transaction, trial, (trial.values, std_error, trial.error))

        return self._mirror.inside(work)

    def add_known(self, known: Known) -> list[Trial]:
        """Record many evaluations made elsewhere, in one commit."""

        def work(transaction: Transaction) -> None:
            first = self.optimizer.n_trials
            transaction.insert_many(known_records(self.optimizer, known, self.record.id, first))
            self._mirror.change(transaction, n_trials=first + len(known))

        if not len(known):
            return []
        # The lock is held until the optimizer knows them too, or another thread would read them from the store.
        with self._mirror.lock:
            self._mirror.inside(work)
            return self.optimizer.take_known(known)

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
