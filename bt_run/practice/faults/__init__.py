"""Faults: what can go wrong between a client and the exchange, and the board that lets it go wrong."""

from __future__ import annotations

from bt_run.practice.faults.board import FaultBoard
from bt_run.practice.faults.fault import Fault, FrameFault, Happening, RequestFault
from bt_run.practice.faults.frame_faults import (
    CutAtFrame,
    DelayFrames,
    DuplicateFrames,
    DuplicateReport,
    LoseFrames,
    ReorderBalances,
    ReorderFrames,
    Silence,
    WithholdClose,
)
from bt_run.practice.faults.happenings import (
    DropSockets,
    EndUserStreams,
    Maintenance,
    RefuseConnections,
    Restart,
    ServerShutdown,
    Wipe,
)
from bt_run.practice.faults.ledger import Active, Fired
from bt_run.practice.faults.order_faults import FillBeforeReply, HiddenOrder, PartialFillThenCancel
from bt_run.practice.faults.request_faults import (
    BadTimestamp,
    IpBan,
    LateAnswer,
    LostAnswer,
    RefuseHandshake,
    RefuseRequest,
    ServerError,
    TooManyRequests,
    UnknownOutcome,
)
from bt_run.practice.faults.written import KINDS, fault_of, read_faults, written

__all__ = [
    "KINDS",
    "Active",
    "BadTimestamp",
    "CutAtFrame",
    "DelayFrames",
    "DropSockets",
    "DuplicateFrames",
    "DuplicateReport",
    "EndUserStreams",
    "Fault",
    "FaultBoard",
    "FillBeforeReply",
    "Fired",
    "FrameFault",
    "Happening",
    "HiddenOrder",
    "IpBan",
    "LateAnswer",
    "LoseFrames",
    "LostAnswer",
    "Maintenance",
    "PartialFillThenCancel",
    "RefuseConnections",
    "RefuseHandshake",
    "RefuseRequest",
    "ReorderBalances",
    "ReorderFrames",
    "RequestFault",
    "Restart",
    "ServerError",
    "ServerShutdown",
    "Silence",
    "TooManyRequests",
    "UnknownOutcome",
    "Wipe",
    "WithholdClose",
    "fault_of",
    "read_faults",
    "written",
]
