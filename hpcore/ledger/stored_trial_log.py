"""Log of the trials of a stored study, shared with other workers."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hpcore.errors import (
    ConstraintError,
    DamagedStore,
    HpcoreError,
    InvalidArgument,
    InvalidType,
    LeaseExpired,
    ResultsNeeded,
    SearchSpaceExhausted,
    StorageError,
    TrialAlreadyTold,
    UnknownTrial,
)
from hpcore.ledger.holder import LeaseHolder
from hpcore.ledger.leases import Leases
from hpcore.ledger.reading import adopt_result, report_data
from hpcore.ledger.readonly import ReadOnlyOptimizer
from hpcore.ledger.replica import Replica
from hpcore.ledger.spaces import params_from_text, params_to_text, space_to_spec
from hpcore.ledger.trial_log import Finished, Terms, TrialLog, is_resume, number_of, out_of_order
from hpcore.ledger.writing import (
    begun,
    ended,
    in_space,
    is_same_result,
    known_records,
    report_record,
    report_records,
    resumed,
    with_params,
)
from hpcore.optimizer import Optimizer
from hpcore.optimizer.known import Known
from hpcore.records.channel import Decision
from hpcore.records.history import FAILED, PAUSED, RUNNING
from hpcore.records.outcome import Outcome
from hpcore.records.rows import Report
from hpcore.records.trial import Trial
from hpcore.space.space import Space
from hpcore.storage.plain import check_name, to_text
from hpcore.storage.records import ReportRecord, StudyRecord, TrialRecord
from hpcore.storage.sql import Storage
from hpcore.storage.transaction import Transaction
from hpcore.workers.waiting import Wait

if TYPE_CHECKING:
    from hpcore.schedulers.base import Resume, Start

__all__ = ["StoredTrialLog"]

log = logging.getLogger("hpcore")

# Milliseconds that a suggestion gets if its deadline passed while the store was busy.
LEAST_MS = 1e-3
# Attribute of a study whose first candidates are in the queue, or have left it.
BEGUN = "begun"


class _Unusable(Exception):
    """Error of enqueued parameters that cannot become a trial; `error` is the reason."""

    def __init__(self, error: HpcoreError) -> None:
        super().__init__(str(error))
        self.error = error


class StoredTrialLog(TrialLog):
    """Log of trials in a store.

    Parameters
    ----------
    optimizer : Optimizer
        New optimizer, to which the stored trials are added.
    storage : Storage
        Store of the study.
    record : StudyRecord
        Record of the study.
    lease : float
        Seconds after which a running trial that its worker did not renew may be given to another one.
    retries : int
        Number of times that a trial whose worker died is evaluated again before it counts as failed.

    Notes
    -----
    A trial is proposed inside the transaction that stores it: numbers are unique, and the proposal may use all stored
    trials, including those that run elsewhere. Worker, lease and fencing token decide which worker may start a trial
    again. Any worker may tell its result, and the first result counts.
    """

    durable = True
    shown: Optimizer

    def __init__(self, optimizer: Optimizer, storage: Storage, record: StudyRecord, lease: float, retries: int) -> None:
        super().__init__(optimizer)
        self.shown = ReadOnlyOptimizer(optimizer)
        self.storage = storage
        self._leases = Leases(lease, retries)
        self._replica = Replica(optimizer, storage, record)
        self._holder = LeaseHolder(storage, self._replica, self._leases)
        self.refresh()

    @property
    def record(self) -> StudyRecord:
        """Record of the study, as last read."""
        return self._replica.record

    @property
    def mode(self) -> str:
        """Mode of all runs, as last read; see `Study.mode`."""
        return self.record.mode

    @property
    def identity(self) -> str:
        """See `TrialLog.identity`; a study that replaces a deleted one of the same name is another one."""
        return f"{self.record.name}\n{self.record.created!r}\n{self.optimizer.seed}"

    def __reduce__(self) -> Any:
        raise InvalidType(
            f"a stored study cannot be copied or sent; open it anew with hpcore.load_study({self.storage.shown!r}, "
            f"{self.record.name!r})"
        )

    def refresh(self) -> None:
        """Read the changes of other workers, and store unsaved results."""
        self._replica.refresh()

    # --- asking --------------------------------------------------------------------------------------------------

    def ask(self, terms: Terms | None = None) -> Trial | Wait | None:
        """See `TrialLog.ask`; trials without a worker come before the queue and new proposals."""
        wanted = terms or Terms()
        trial = self._replica.inside(lambda transaction: self._next_trial(transaction, wanted))
        if isinstance(trial, HpcoreError):
            raise trial
        self._holder.keep()
        return trial

    def _next_trial(self, transaction: Transaction, terms: Terms) -> Trial | Wait | HpcoreError | None:
        self._note_order(transaction, 1, terms.staleness)
        lost = self._claim(transaction, staleness=terms.staleness)
        if lost is not None:
            return lost
        # Returned instead of raised, so that the transaction is stored, and refused parameters leave the queue.
        try:
            return self._propose(
                terms, lambda order, as_of, is_late: self._begin_job_in(transaction, order, as_of, is_late=is_late)
            )
        except (SearchSpaceExhausted, ResultsNeeded) as end:
            return end
        except _Unusable as wrong:
            return wrong.error

    def hand_out(self, n: int, deadline_ms: float | None, *, alone: bool) -> list[Trial]:
        """See `TrialLog.hand_out`."""
        end = None if deadline_ms is None else time.monotonic() + deadline_ms / 1e3
        trials = self._replica.inside(lambda transaction: self._next_trials(transaction, n, end, alone))
        if isinstance(trials, HpcoreError):
            raise trials
        self._holder.keep()
        return trials

    def hand_out_again(self, n: int, repeat: Trial | int) -> list[Trial]:
        """See `TrialLog.hand_out_again`."""

        def begin(transaction: Transaction) -> list[Trial]:
            self._note_order(transaction, n, None)
            new = self.optimizer.ask(n, repeat=repeat)
            return [self._insert(transaction, trial, None, out=True) for trial in new]

        trials = self._replica.inside(begin)
        self._holder.keep()
        return trials

    def hand_out_given(self, n: int, given: Mapping[str, Any]) -> list[Trial]:
        """See `TrialLog.hand_out_given`."""

        def begin(transaction: Transaction) -> list[Trial]:
            self._note_order(transaction, n, None)
            new = self.optimizer.ask(n, given=given)
            return [self._insert(transaction, trial, None, out=True) for trial in new]

        trials = self._replica.inside(begin)
        self._holder.keep()
        return trials

    def _next_trials(
        self, transaction: Transaction, n: int, end: float | None, alone: bool
    ) -> list[Trial] | HpcoreError:
        self._note_order(transaction, n, None)
        trials: list[Trial] = []
        while len(trials) < n and (trial := self._claim(transaction, out=True)) is not None:
            trials.append(trial)
        try:
            if self.optimizer.scheduler is not None:
                while len(trials) < n:
                    trials.append(self._begin_ordered(transaction, end))
                return trials
            while len(trials) < n and (trial := self._begin_queued(transaction, None, out=True)) is not None:
                trials.append(trial)
            if len(trials) < n:
                left_ms = None if end is None else max(1e3 * (end - time.monotonic()), LEAST_MS)
                if alone:
                    new = [self.optimizer.ask(deadline_ms=left_ms)]
                else:
                    new = self.optimizer.ask(n - len(trials), deadline_ms=left_ms)
                trials += [self._insert(transaction, trial, None, out=True) for trial in new]
        except (SearchSpaceExhausted, ResultsNeeded) as exhausted:
            return trials or exhausted
        except _Unusable as wrong:
            # Trials that came before it are given back, and come first in the next call.
            for trial in trials:
                held = self._replica.let_go(trial.number)
                assert held is not None
                given_back = replace(held.record, worker=None, lease=None)
                transaction.replace(given_back, held.record.token)
                self._replica.leave(given_back)
            return wrong.error
        return trials

    def _note_order(self, transaction: Transaction, n: int, staleness: int | None) -> None:
        """End the mode of the study before proposals from more, or fewer, results than it says."""
        mode = self.record.mode
        if mode == "fast" or (staleness is not None and mode == _mode_of(staleness)):
            return
        at_once = mode == _mode_of(1) and (n > 1 or bool(self._replica.all_held()))
        other_order = staleness is None and mode not in ("", _mode_of(1))
        if self._replica.shared or at_once or other_order:
            self._change_mode(transaction, "fast")

    def _begin_ordered(self, transaction: Transaction, end: float | None) -> Trial:
        """Begin the job that the scheduler orders, for a caller of `hand_out`."""
        order = self.optimizer.jobs.next()
        if order is None:
            raise ResultsNeeded("the scheduler needs results of running trials first, tell one of them")
        return self._begin_job_in(transaction, order, None, end=end, out=True)

    def _begin_job_in(
        self,
        transaction: Transaction,
        order: Start | Resume | None,
        as_of: int | None,
        *,
        is_late: bool = False,
        end: float | None = None,
        out: bool = False,
    ) -> Trial:
        """Begin and store the job of an order, or without a scheduler a trial; see `Optimizer.begin_job`."""
        if is_resume(order):
            trial = self.optimizer.begin_job(order, as_of, is_late=is_late)
            return self._store_resumed(transaction, trial, out)

        def begin() -> Trial:
            if order is None:
                return self.optimizer.ask(as_of=as_of)
            return self.optimizer.begin_job(order, as_of, end, is_late)

        queued = self._begin_queued(transaction, begin, out)
        return self._insert(transaction, begin(), None, out) if queued is None else queued

    def _begin_queued(
        self, transaction: Transaction, begin: Callable[[], Trial] | None, out: bool = False
    ) -> Trial | None:
        """Begin the first trial of the queue by ``begin()``; None if the queue is empty.

        Raises
        ------
        _Unusable
            The parameters cannot become a trial; they leave the queue.
        """
        given = transaction.dequeue(self.record.id)
        if given is None:
            return None
        try:
            self.optimizer.enqueue(self._read_params(given))
            trial = self.optimizer.ask() if begin is None else begin()
        except (ConstraintError, SearchSpaceExhausted, ResultsNeeded):
            raise
        except HpcoreError as wrong:
            raise _Unusable(wrong) from wrong
        return self._insert(transaction, trial, None, out)

    def _read_params(self, text: str) -> dict[str, Any]:
        try:
            return params_from_text(self.optimizer.space, text)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise DamagedStore(f"enqueued parameters of study {self.record.name!r} are damaged: {error}") from None

    def _insert(self, transaction: Transaction, trial: Trial, outcome: Outcome | None, out: bool = False) -> Trial:
        """Store a trial that the optimizer has just begun, with its outcome if it has one."""
        lease = transaction.now() + self._leases.seconds
        record = begun(self.optimizer, trial, self.record.id, self._leases.worker, lease)
        if outcome is not None:
            record = ended(record, trial, outcome)
        else:
            self._replica.hold(trial, record, out)
        transaction.insert(record)
        self._replica.change(transaction, n_trials=trial.number + 1, n_jobs=self.optimizer.history.n_jobs)
        return trial

    def _claim(self, transaction: Transaction, out: bool = False, staleness: int | None = None) -> Trial | None:
        """Give the first trial without a worker to this one; None if there is none."""
        waiting = self._replica.elsewhere()
        if not waiting:
            return None
        now = transaction.now()
        for record in waiting:
            if record.state != RUNNING or self._leases.is_kept(record, now):
                continue
            taken = self._leases.take(record, now)
            if not transaction.replace(taken, record.token):
                # Results are stored without the study's lock: its worker has told it and ended since it was read.
                told = transaction.trial(self.record.id, record.number)
                if told is not None:
                    self._replica.absorb(told)
                continue
            if taken.state == RUNNING:
                return self._replica.claim(self._restarted(taken.number, staleness), taken, out)
            self._replica.absorb(taken)
        return None

    # --- telling -------------------------------------------------------------------------------------------------

    def finish(self, trial: Trial, outcome: Outcome, *, then: Terms | None = None) -> Finished:
        """See `TrialLog.finish`; the result is on disk when this returns."""
        if self._replica.held(trial.number) is None and trial.number not in self.optimizer.running():
            return super().finish(trial, outcome, then=then)  # told by another thread, or by its own objective
        record, stored, following = self._replica.steadily(lambda check: self._finish(trial, outcome, then, check))
        if then is None:
            self._learn(trial, outcome, record, stored)
        else:
            self._holder.keep()
        if not is_same_result(stored, record):
            log.warning("%s", _too_late(stored))
            # A job that another one follows was ended by another worker, and paused the trial.
            outcome = Outcome(None, PAUSED) if stored.state == RUNNING else self._adopt(trial, stored)
        if isinstance(following, Exception):
            if not isinstance(following, SearchSpaceExhausted):
                self._replica.doubt()
            return Finished(outcome, None, following)
        return Finished(outcome, following)

    def _finish(
        self, trial: Trial, outcome: Outcome, then: Terms | None, check: Callable[[StudyRecord], None]
    ) -> tuple[TrialRecord, TrialRecord, Trial | Wait | Exception | None]:
        """Store a result; return its record, that which is stored, and with `then` what `_next_trial` returns."""
        record = self._record_of(trial, outcome)
        reports = report_records(self.optimizer, trial, record)

        def work(transaction: Transaction) -> tuple[TrialRecord, Trial | Wait | Exception | None]:
            stored = transaction.finish(record, reports, check)
            if then is None:
                return stored, None
            self._learn(trial, outcome, record, stored)
            try:
                return stored, self._next_trial(transaction, then)
            except self.storage.troubles:
                raise
            except Exception as error:  # an error of a constraint or the sampler: the result is stored anyway
                return stored, error

        with self._saved_later(record, reports):
            return record, *(self.storage.write(work) if then is None else self._replica.inside(work))

    def _learn(self, trial: Trial, outcome: Outcome, record: TrialRecord, stored: TrialRecord) -> None:
        """Record a stored result in the optimizer, unless it was read from the store in the meantime."""
        with self._replica.lock:
            self._replica.let_go(trial.number)
            if trial.number not in self.optimizer.running():
                return
            if is_same_result(stored, record):
                self.optimizer.finish(trial, outcome)
            else:
                self._replica.absorb(stored)

    def _adopt(self, trial: Trial, stored: TrialRecord) -> Outcome:
        return adopt_result(trial, stored, len(self.optimizer.directions), self.record.name)

    def _record_of(self, trial: Trial, outcome: Outcome) -> TrialRecord:
        """Make the record of a trial of this worker with its result."""
        with self._replica.lock:
            held = self._replica.held(trial.number)
            if held is None:
                raise self._not_running(trial.number)
            held.trial.check_copy(trial)
            if _is_of_earlier_job(trial, held.record.job):
                raise _too_late(held.record)
            return self._ended(held.record, trial, outcome)

    def _ended(self, record: TrialRecord, trial: Trial, outcome: Outcome) -> TrialRecord:
        record = ended(record, trial, outcome)
        return record if outcome.params is None else with_params(record, self.optimizer.space, outcome.params)

    @contextmanager
    def _saved_later(self, record: TrialRecord, reports: Sequence[ReportRecord]) -> Iterator[None]:
        """Keep a result for the next transaction if it cannot be stored now."""
        try:
            yield
        except StorageError:
            self._replica.save_later(record, reports)
            raise

    def tell(self, trial: Trial | int, outcome: Outcome) -> None:
        """See `TrialLog.tell`.

        Raises
        ------
        LeaseExpired
            Another worker told this worker's trial first.
        TrialAlreadyTold, UnknownTrial
            There is no such running trial.
        StorageError
            The result could not be stored; for a trial of this worker the next transaction tries again.
        """
        number = number_of(trial)
        held = self._replica.held(number)
        if held is None or not held.is_running:
            refused = self._replica.inside(lambda transaction: self._tell_any(transaction, trial, outcome))
            if refused is not None:
                raise refused
            if outcome.values is not None and self.optimizer.history.state[number] == FAILED:
                # The trial had failed because its workers died. Models cannot forget the failure, so all is read again.
                self._replica.doubt()
                self.refresh()
            return
        mine = trial if isinstance(trial, Trial) else held.trial
        record, stored, _ = self._replica.steadily(lambda check: self._finish(mine, outcome, None, check))
        if is_same_result(stored, record):
            self._learn(mine, outcome, record, stored)
            return
        self._replica.let_go(number)
        with suppress(StorageError):  # a later transaction reads it
            self.refresh()
        raise _too_late(stored)

    def _tell_any(self, transaction: Transaction, trial: Trial | int, outcome: Outcome) -> HpcoreError | None:
        """Store the result of a trial of any worker; return an error if it is refused."""
        number = number_of(trial)
        known, record = self.optimizer.running().get(number), self._replica.other(number)
        held = self._replica.held(number)
        if held is not None and held.is_running:  # found again by this transaction
            record = held.record
        if known is None or record is None:
            record = transaction.trial(self.record.id, number) if 0 <= number < self.optimizer.n_trials else None
            if record is None or not record.is_given_up or outcome.values is None:
                return self._not_running(number)
            known = self.optimizer.trials[number]
        told = trial if isinstance(trial, Trial) else known
        try:
            known.check_copy(told)
        except UnknownTrial as stranger:
            return stranger
        if _is_of_earlier_job(told, record.job):
            return _too_late(record)
        record = self._ended(record, told, outcome)
        stored = transaction.finish(record, report_records(self.optimizer, told, record))
        self._replica.let_go(number)
        if not is_same_result(stored, record):
            if number in self.optimizer.running():
                self._replica.absorb(stored)
            return _too_late(stored)
        if number in self.optimizer.running():
            self._replica.forget_other(number)
            self.optimizer.finish(told, outcome)
        return None

    def _not_running(self, number: int) -> HpcoreError:
        if 0 <= number < self.optimizer.n_trials:
            paused = self.optimizer.history.state[number] == PAUSED
            told = "is paused; resume it first" if paused else "has been told already"
            return TrialAlreadyTold(f"trial {number} {told}")
        return UnknownTrial(f"trial must be one that was asked for (0 .. {self.optimizer.n_trials - 1}), got {number}")

    def give_back(self, trials: Sequence[Trial]) -> None:
        """See `TrialLog.give_back`; any worker may evaluate them, so that an interrupted run gives the same trials."""
        numbers = [trial.number for trial in trials if not self._replica.is_unsaved(trial.number)]
        held = [mine for mine in map(self._replica.let_go, numbers) if mine is not None]
        given = [replace(mine.record, worker=None, lease=None) for mine in held]

        def work(transaction: Transaction) -> None:
            for record in given:
                transaction.replace(record, record.token)

        if not given:
            return
        try:
            self.storage.write(work)
        except StorageError as error:
            # In the store they still have the name of this worker, which claims them again.
            log.warning("%d trials could not be given back: %s", len(given), error)
            self._replica.doubt()
            return
        for record in given:
            self._replica.leave(record)

    def drop(self, trial: Trial) -> None:
        """See `TrialLog.drop`."""
        self._replica.let_go(trial.number)

    def resume(self, trial: Trial | int) -> Trial:
        """See `TrialLog.resume`; this worker has the trial when this returns."""
        number = number_of(trial)
        trial_or_error = self._replica.inside(lambda transaction: self._resume(transaction, number))
        if isinstance(trial_or_error, HpcoreError):
            raise trial_or_error
        self._holder.keep()
        return trial_or_error

    def _resume(self, transaction: Transaction, number: int) -> Trial | HpcoreError:
        try:
            trial = self.optimizer.resume(number)
        except HpcoreError as refused:
            return refused
        return self._store_resumed(transaction, trial)

    def _store_resumed(self, transaction: Transaction, trial: Trial, out: bool = False) -> Trial:
        """Store the job of a paused trial that the optimizer has just resumed."""
        record, n_jobs = transaction.trial(self.record.id, trial.number), self.optimizer.history.n_jobs
        until = transaction.now() + self._leases.seconds
        taken = None if record is None else resumed(self.optimizer, record, self._leases.worker, until)
        if record is None or taken is None or not transaction.resume(taken, record.token):
            raise StorageError(f"trial {trial.number} of study {self.record.name!r} was changed past the study's lock")
        self._replica.hold(trial, taken, out)
        self._replica.change(transaction, n_jobs=n_jobs)
        return trial

    # --- leases --------------------------------------------------------------------------------------------------

    def rest(self) -> None:
        """See `TrialLog.rest`."""
        self._holder.rest()

    def renew(self, trial: Trial | int | None = None) -> None:
        """See `Study.renew`."""
        if trial is None:
            self._holder.renew()
            return
        refused = self._replica.inside(lambda transaction: self._renew_one(transaction, trial))
        if refused is not None:
            raise refused
        self._holder.keep()

    def _renew_one(self, transaction: Transaction, trial: Trial | int) -> HpcoreError | None:
        number, now = number_of(trial), transaction.now()
        known, held, record = self.optimizer.running().get(number), self._replica.held(number), None
        if held is not None:
            record = transaction.trial(self.record.id, number) if held.is_running else None
            if record is None or record.state != RUNNING:
                return self._not_running(number)
        elif known is not None:
            record = self._replica.other(number)
        if known is None or record is None:
            return self._not_running(number)
        try:
            if isinstance(trial, Trial):
                known.check_copy(trial)
        except UnknownTrial as stranger:
            return stranger
        if self._leases.is_kept(record, now):
            return LeaseExpired(f"trial {number} is evaluated by another worker, which still has its lease")
        # A trial that one worker continues for another one has not lost a worker.
        mine = record.worker == self._leases.worker
        until = now + self._leases.seconds
        fresh = replace(record, lease=until) if mine else record.given_to(self._leases.worker, until, False)
        if not transaction.replace(fresh, record.token):
            return _too_late(fresh)
        self._replica.forget_other(number)
        self._replica.hold(known if held is None else held.trial, fresh, True if held is None else held.out)
        return None

    # --- runs ----------------------------------------------------------------------------------------------------

    def begin(self, mode: str, staleness: int | None = None) -> None:
        """See `TrialLog.begin`.

        Several workers may run a study in one deterministic order: each proposes from the stored results, inside the
        transaction that stores the proposal.
        """

        def work(transaction: Transaction) -> None:
            now = transaction.now()
            if staleness is not None:
                self.check_order()
            kept = any(self._leases.is_kept(record, now) for record in self._replica.elsewhere())
            mine = "fast" if kept and staleness is None else mode
            self._change_mode(transaction, mine if self.record.mode in ("", mine) else "fast")
            self._replica.shared = False

        self._replica.inside(work)
        self._holder.keep()

    def check_order(self, why: str = "deterministic=True") -> None:
        """See `TrialLog.check_order`; results of other workers' trials will come."""
        taken = [held.record.number for held in self._replica.all_held() if held.out and held.is_running]
        if taken:
            raise out_of_order(min(taken), why)

    def extend(self, space: Space | Mapping[str, Any], defaults: Mapping[str, Any] | None) -> None:
        """See `TrialLog.extend`; all trials are written anew in one transaction.

        Raises
        ------
        InvalidArgument
            Another worker has a running trial.
        """
        larger, given = Space.of(space), dict(defaults or {})
        with self._replica.lock:
            running = self._replica.inside(lambda transaction: self._extend(transaction, larger, given))
            self._replica.extended(running)
            super().extend(larger, given)

    def _extend(self, transaction: Transaction, larger: Space, defaults: Mapping[str, Any]) -> list[TrialRecord]:
        """Store the trials, the queue and the study in a larger space; return the records of the running trials."""
        optimizer, study, now = self.optimizer, self.record, transaction.now()
        kept = [record.number for record in self._replica.elsewhere() if self._leases.is_kept(record, now)]
        if kept:
            raise InvalidArgument(
                f"space cannot become larger while other workers have trials: trial {min(kept)} of study "
                f"{study.name!r} is still running"
            )
        # The memory changes only when all is stored, so that another optimizer is extended first.
        other = Optimizer(
            optimizer.space,
            optimizer.sampler,
            None,
            optimizer.directions,
            optimizer.seed,
            repeats=optimizer.repeats,
            scheduler=optimizer.scheduler,
            limits=optimizer.limits,
        )
        other.use_costs(optimizer.costs)
        other.restore(optimizer.rows())
        other.extend(larger, defaults=defaults)
        rows = other.rows()
        before = [TrialRecord.from_fields(fields) for fields in transaction.trials(study)]
        after = [in_space(record, larger, rows) for record in before]
        transaction.rewrite(before, after)
        queue = [
            params_to_text(larger, larger.check_partial(self._read_params(t))) for t in transaction.queue(study.id)
        ]
        transaction.replace_queue(study.id, queue)
        spec = {**json.loads(study.spec), "space": space_to_spec(larger)}
        self._replica.change(transaction, spec=json.dumps(spec, allow_nan=False))
        return [record for record in after if record.state == RUNNING]

    def _change_mode(self, transaction: Transaction, mode: str) -> None:
        if mode != self.record.mode:
            self._replica.change(transaction, mode=mode)

    def add(self, params: Mapping[str, Any], value: Any, facts: Mapping[str, Any]) -> Trial:
        """Record an evaluation made elsewhere, with the further arguments `facts`; see `Optimizer.add`."""

        def work(transaction: Transaction) -> Trial:
            trial = self.optimizer.add(params, value, **facts)
            return self._insert(transaction, trial, self.outcome_of(trial.number))

        return self._replica.inside(work)

    def add_known(self, known: Known) -> list[Trial]:
        """Record checked results of evaluations made elsewhere, in one transaction."""

        def work(transaction: Transaction) -> None:
            first = self.optimizer.n_trials
            transaction.insert_many(known_records(self.optimizer, known, self.record.id, first))
            first_job = self.optimizer.history.n_jobs
            transaction.add_reports(
                [
                    report_record(self.record.id, number, job, step, values, cost)
                    for number, step, values, cost, job in known.rows_of_reports(first, first_job)
                ]
            )
            n_jobs = first_job + len(known)
            self._replica.change(transaction, n_trials=first + len(known), n_jobs=n_jobs)

        if not len(known):
            return []
        # The lock is held until the optimizer has them too: otherwise another thread would read them from the store.
        with self._replica.lock:
            self._replica.inside(work)
            return self.optimizer.take_known(known)

    def enqueue(self, params: Mapping[str, Any]) -> None:
        """Add parameters to the queue, for the worker that asks next."""
        with self._replica.lock:  # the space stays as it is
            given = params_to_text(self.optimizer.space, self.optimizer.space.check_partial(params))
            self._change(lambda transaction: transaction.enqueue(self.record.id, given))

    def begin_with(self, points: Sequence[Mapping[str, Any]]) -> None:
        """See `TrialLog.begin_with`; of several workers that begin at once, one adds them."""
        space = self.optimizer.space
        given = [params_to_text(space, space.check_partial(point)) for point in points]

        def work(transaction: Transaction) -> None:
            study = self.record.id
            if transaction.current(study, lock=True).n_trials or BEGUN in transaction.attributes(study):
                return
            transaction.set_attribute(study, BEGUN, to_text(f"attribute {BEGUN!r}", True))
            for text in given:
                transaction.enqueue(study, text)

        if given:
            self._change(work)

    def add_report(
        self, number: int, step: float, values: Sequence[float], data: Any = None, cost: float | None = None
    ) -> None:
        """See `TrialLog.add_report`; the report is on disk when this returns."""
        text = None if data is None else to_text(f"the data of report {step:g}", data)
        job = self.optimizer.history.job_of(number)
        record = report_record(self.record.id, number, job, step, values, cost, text)
        self._change(lambda transaction: transaction.add_report(record))
        super().add_report(number, step, values, data, cost)

    def report(self, number: int, step: float, values: Sequence[float], cost: float | None = None) -> Decision:
        """See `TrialLog.report`; the report is on disk when this returns, and those of other workers are read first.

        Raises
        ------
        LeaseExpired
            Another worker has the trial, or ended it.
        """

        def work(transaction: Transaction) -> None:
            held = self._replica.held(number)
            if held is None or not held.is_running or not transaction.is_held(held.record):
                raise LeaseExpired(
                    f"a report of trial {number} came too late: another worker has the trial, or ended it"
                )
            if step > self.optimizer.jobs.last_step(number):
                record = held.record
                report = report_record(record.study_id, number, record.job, step, values, cost)
                transaction.add_report(report)

        self._replica.inside(work)
        return super().report(number, step, values, cost)

    def take_reports(self, reports: Sequence[Report]) -> None:
        """See `TrialLog.take_reports`; they are stored in one transaction."""

        def work(transaction: Transaction) -> None:
            steps: dict[int, float] = {}
            new = []
            for number, step, values, cost, job in reports:
                held = self._replica.held(number)
                if held is None or not held.is_running or held.record.job != job:
                    continue
                if number not in steps:
                    # None of another worker's job: the steps that it makes known are those of its own reports.
                    known = transaction.is_held(held.record)
                    steps[number] = self.optimizer.jobs.last_step(number) if known else math.inf
                if step > steps[number]:
                    steps[number] = step
                    new.append(report_record(self.record.id, number, job, step, values, cost))
            transaction.add_reports(new)

        with self._replica.lock:
            self._replica.inside(work)
            super().take_reports(reports)

    def _change(self, work: Callable[[Transaction], None]) -> None:
        """Call ``work(transaction)`` in a transaction, if the study still exists."""

        def inside(transaction: Transaction) -> None:
            check(transaction.current(self.record.id, lock=True))
            work(transaction)

        with self._replica.lock:  # otherwise another thread could make the space larger before the check
            check = self._replica.checker()
            self.storage.write(inside)

    def reports(self, numbers: Sequence[int]) -> dict[tuple[int, float], Any]:
        """See `TrialLog.reports`."""
        records = self.storage.read(lambda transaction: transaction.reports(self.record.id, numbers))
        return {(record.number, record.step): report_data(record, self.record.name) for record in records}

    def attributes(self) -> dict[str, Any]:
        """Read the attributes of the study."""
        return self.storage.read(lambda transaction: transaction.attributes(self.record.id))

    def set_attribute(self, name: str, value: Any) -> None:
        """Set an attribute, or remove it if the value is None."""
        check_name("an attribute's name", name)
        text = None if value is None else to_text(f"attribute {name!r}", value)
        self._change(lambda transaction: transaction.set_attribute(self.record.id, name, text))


def _mode_of(staleness: int) -> str:
    return f"lag {staleness}"


def _is_of_earlier_job(trial: Trial, job: int) -> bool:
    """Tell whether a trial, or a copy of it, was begun for an earlier job than its record says."""
    return trial.progress is not None and trial.progress.job != job


def _too_late(stored: TrialRecord) -> LeaseExpired:
    if stored.state == RUNNING:
        return LeaseExpired(f"the result of trial {stored.number} came too late: the trial went on in another job")
    why = "it was given up after its workers died" if stored.is_given_up else "it has another one"
    return LeaseExpired(f"the result of trial {stored.number} came too late: {why}")
