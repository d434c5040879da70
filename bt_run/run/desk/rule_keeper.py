"""The desk watches the alert rules of its journal itself, so that they speak also where no bot runs."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from bt_run.alerts.delivery import Outcome
from bt_run.core.errors import BtRunError
from bt_run.journal.database import Place
from bt_run.run.alerting.desk import AlertDesk
from bt_run.run.alerting.rules import AlertRules
from bt_run.run.alerting.station import RuleStation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bt_run.alerts.settings import AlertSettings
    from bt_run.alerts.target import Target
    from bt_run.core.venue import Venue

__all__ = ["PAGE", "PageTarget", "RuleKeeper"]

_log = logging.getLogger(__name__)

PAGE = "page"
_LOOK_S = 1.0
_AGAIN_S = 5.0
_STOP_S = 8.0


class PageTarget:
    """The page as a place that messages go to: it reads them from the journal, so there is nothing to send."""

    name = PAGE
    gap_s = 0.0

    def send(self, title: str, body: str, image: bytes | None) -> Outcome:  # the protocol's
        """Say that it is there."""
        return Outcome(is_sent=True)


class RuleKeeper:
    """
    Watches while a rule is switched on, in a thread of its own, until it is stopped.

    A running bot may watch the same rules. With `targets` both make the same message, and the journal keeps it
    once. Without any, messages are for the page alone and have names of their own, so that they never stand in
    the place of one that a bot would send further.

    Args:
        venue: Where the bars come from.
        journal: Whose rules; one that is not there yet is waited for, not made.
        settings: Of messages.
        targets: Where to, besides the page.
    """

    def __init__(
        self, venue: Venue, journal: str, settings: AlertSettings, targets: Sequence[Target] = ()
    ) -> None:
        self._venue = venue
        self._journal = journal
        self._settings = replace(settings, charts=settings.charts and bool(targets))
        self._targets = (*targets, PageTarget())
        self._prefix = "" if targets else f"{PAGE}:"
        self._quit = threading.Event()
        self._station: RuleStation | None = None
        self._thread = threading.Thread(target=self._run, name="bt-run rule keeper", daemon=True)
        self._trouble = ""

    @property
    def is_watching(self) -> bool:
        """Whether rules are watched now."""
        return self._station is not None

    @property
    def trouble(self) -> str:
        """Say why rules, or some of them, are not watched; empty where all are."""
        station = self._station
        return self._trouble if station is None else " ".join(station.left_out)

    def start(self) -> RuleKeeper:
        """Begin; gives itself."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End, within some seconds; what is not sent by then waits in the journal."""
        self._quit.set()
        station = self._station
        if station is not None:
            station.ask_to_stop("the desk ends")
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        while not self._quit.wait(_LOOK_S):
            try:
                self._watch()
            except BtRunError as error:
                if str(error) != self._trouble:
                    _log.warning("The alert rules are not watched: %s", error)
                self._trouble = str(error)
                self._quit.wait(_AGAIN_S)

    def _watch(self) -> None:
        """Watch until the desk ends or the exchange refuses; nothing is done while no rule is on."""
        file = Place.parse(self._journal).file
        if file is not None and not file.is_file():
            return
        rules = AlertRules(self._journal)
        try:
            while not any(rule.is_on for rule in rules.all()):
                self._trouble = ""
                if self._quit.wait(_LOOK_S):
                    return
            self._watch_over(rules)
        finally:
            rules.close()

    def _watch_over(self, rules: AlertRules) -> None:
        desk = AlertDesk(self._settings, self._targets, self._journal, key_prefix=self._prefix).start()
        try:
            station = RuleStation(self._venue, rules, desk)
            self._station = station
            self._trouble = ""
            if self._quit.is_set():
                return
            station.run()
        finally:
            self._station = None
            desk.close()
