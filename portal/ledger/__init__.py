"""The ledger: record, publish -> claim -> run -> finish. Nothing accepted is lost; the last change wins.

A webhook's 2xx means that its Event is committed. Workers claim committed rows; a handler reads outside any transaction
and returns its effects, which commit together with the finish, fenced by the lease's token.
"""

from portal.ledger.choice import look
from portal.ledger.claim import claim
from portal.ledger.failure import Failure, dead, defer, pause, retry, uncertain
from portal.ledger.lanes import move
from portal.ledger.leases import expire_leases, release_leases, renew_leases
from portal.ledger.record import Receipt, lane_id_for, news, publish, record
from portal.ledger.registry import Result, Work, done, handles, ignored, kind_title, subscribe
from portal.ledger.run import NotReplayable, fail, finish, give_back, replay, run

__all__ = [
    "Failure",
    "NotReplayable",
    "Receipt",
    "Result",
    "Work",
    "claim",
    "dead",
    "defer",
    "done",
    "expire_leases",
    "fail",
    "finish",
    "give_back",
    "handles",
    "ignored",
    "kind_title",
    "lane_id_for",
    "look",
    "move",
    "news",
    "pause",
    "publish",
    "record",
    "release_leases",
    "renew_leases",
    "replay",
    "retry",
    "run",
    "subscribe",
    "uncertain",
]
