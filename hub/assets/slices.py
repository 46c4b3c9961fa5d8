"""The partitions: district x school year."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from hub.config import Settings, load
from hub.errors import RetryLater, in_words, known
from hub.model import Slice

_STATE = "the state folder"


class Hub(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Where hub.yaml is. It is read when a step runs, so a step sees the file of tonight and the secrets of its
    own environment; loading the definitions needs neither."""

    config: str

    def settings(self) -> Settings:
        return load(Path(self.config))


def partitions_of(slices: Sequence[Slice]) -> dg.MultiPartitionsDefinition:
    """`district|school_year`, as `Slice.partition` writes it.

    School years are the static years of hub.yaml, named by the year in which they end. A time window that starts
    July 1st would open next year's partition for every district on one day, whether its systems have rolled over or
    not, and name it by the year in which it starts. A district's year begins when its entry in hub.yaml says so.
    """
    return dg.MultiPartitionsDefinition(
        {
            "district": dg.StaticPartitionsDefinition(list(dict.fromkeys(s.district for s in slices))),
            "school_year": dg.StaticPartitionsDefinition([str(y) for y in sorted({s.year for s in slices})]),
        }
    )


def slice_of(partition_key: str, settings: Settings) -> Slice:
    """The slice of a partition key. Raises FixConfiguration for a pair that hub.yaml does not have."""
    district, _, year = partition_key.partition("|")
    return settings.slice(district, int(year))


@contextmanager
def told() -> Iterator[None]:
    """Every end of a step as one Dagster Failure whose text is ours: what another library raises may quote a row.

    Only RetryLater is worth another attempt.
    """
    try:
        yield
    except dg.Failure:
        raise
    except Exception as error:
        later = isinstance(known(error, _STATE), RetryLater)
        raise dg.Failure(in_words(error, _STATE), allow_retries=later) from None
