"""User attributes of a study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from hpcore.attributes import USER_PREFIX, check_size, to_plain
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.ledger.trial_log import TrialLog

__all__ = ["UserAttributes", "user_attributes"]


def user_attributes(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Select the user attributes among all attributes of a study, and return them by the user's names."""
    mine = {name: value for name, value in kept.items() if name.startswith(USER_PREFIX)}
    return {name[len(USER_PREFIX) :]: value[0] for name, value in mine.items()}


class UserAttributes(MutableMapping[str, Any]):
    """User attributes of a trial log, as a mapping that reads and writes the log at once.

    Values are converted to plain data when they are set, see `hpcore.attributes.to_plain`. Reading returns copies.
    """

    NAME_BYTES = 500

    def __init__(self, trial_log: TrialLog) -> None:
        self.trial_log = trial_log

    def _all(self) -> dict[str, Any]:
        return user_attributes(self.trial_log.attributes())

    def __getitem__(self, name: str) -> Any:
        return self._all()[name]

    def __setitem__(self, name: str, value: Any) -> None:
        plain = self._checked(name, value)
        self.trial_log.set_attribute(USER_PREFIX + name, plain)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several attributes, or none if one is not allowed."""
        checked = {name: self._checked(name, value) for name, value in dict(*args, **kwargs).items()}
        for name, plain in checked.items():
            self.trial_log.set_attribute(USER_PREFIX + name, plain)

    def __ior__(self, other: Any) -> UserAttributes:
        self.update(other)
        return self

    def _checked(self, name: Any, value: Any) -> list[Any]:
        """Check an attribute and return its stored form: a list of the value alone, so that None is a value too."""
        if not isinstance(name, str):
            raise InvalidType(f"an attribute's name must be a str, got {name!r}")
        if not 1 <= len(name.encode(errors="replace")) <= self.NAME_BYTES:
            raise InvalidArgument(f"an attribute's name must have 1 to {self.NAME_BYTES} bytes, got {name[:40]!r}")
        if "\0" in name or any("\ud800" <= letter <= "\udfff" for letter in name):
            raise InvalidArgument(f"an attribute's name must be text for UTF-8, without NUL, got {name!r:.80}")
        what = f"attribute {name!r:.80}"
        plain = [to_plain(what, value)]
        check_size(what, plain)
        return plain

    def __delitem__(self, name: str) -> None:
        self._all()[name]
        self.trial_log.set_attribute(USER_PREFIX + name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return repr(self._all())
