"""The ledger: record, publish -> claim -> run -> finish. Nothing accepted is lost; the last change wins.

A webhook's 2xx means that its Event is committed. Workers claim committed rows; a handler reads outside any transaction
and returns its effects, which commit together with the finish, fenced by the lease's token.
"""

from portal.ledger.again import NotReplayable, replay
from portal.ledger.choice import look
from portal.ledger.claim import claim
from portal.ledger.clock import ClockWatch, move_back
from portal.ledger.failure import Failure, dead, defer, pause, retry, uncertain
from portal.ledger.finish import fail, finish, finish_all
from portal.ledger.lanes import move
from portal.ledger.leases import LeaseWatch, release_leases, renew_leases
from portal.ledger.periodic import regularly, run_due
from portal.ledger.record import Receipt, lane_id_for, news, publish, publish_all, record
from portal.ledger.registry import Result, Work, done, handles, ignored, kind_title, later, subscribe
from portal.ledger.run import LOST, give_back, run, run_handler
from portal.ledger.sharing import prove

__all__ = [
    "LOST",
    "ClockWatch",
    "Failure",
    "LeaseWatch",
    "NotReplayable",
    "Receipt",
    "Result",
    "Work",
    "claim",
    "dead",
    "defer",
    "done",
    "fail",
    "finish",
    "finish_all",
    "give_back",
    "handles",
    "ignored",
    "kind_title",
    "lane_id_for",
    "later",
    "look",
    "move",
    "move_back",
    "news",
    "pause",
    "prove",
    "publish",
    "publish_all",
    "record",
    "regularly",
    "release_leases",
    "renew_leases",
    "replay",
    "retry",
    "run",
    "run_due",
    "run_handler",
    "subscribe",
    "uncertain",
]
