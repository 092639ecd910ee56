"""One HTTP/2 connection of the push service, and the rules for a single push request."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.events
import h2.exceptions
from cryptography import x509
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from passes.apple.sandbox.apns import ApnsFault, ApnsSandbox

PAYLOAD_LIMIT = 4096
PATH = re.compile(r"/3/device/([^/]*)\Z")
PUSH_TYPES = frozenset(
    {"alert", "background", "complication", "controls", "fileprovider", "liveactivity"}
    | {"location", "mdm", "pushtotalk", "voip", "widgets"}
)


@dataclass(frozen=True)
class Answer:
    """An empty body for 200, else `{"reason": …}` and for 410 `"timestamp"` in milliseconds."""

    status: int
    reason: str = ""
    timestamp: int | None = None
    retry_after: str = ""

    def body(self) -> bytes:
        if self.status == 200:
            return b""
        stamp = {} if self.timestamp is None else {"timestamp": self.timestamp}
        return json.dumps({"reason": self.reason, **stamp}).encode()


@dataclass
class PushRequest:
    headers: dict[str, str]
    certificate_topic: str
    body: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        self.apns_id = self.headers.get("apns-id") or str(uuid.uuid4()).upper()

    @property
    def token(self) -> str:
        found = PATH.match(self.headers.get(":path", ""))
        return found[1] if found else ""

    @property
    def topic(self) -> str:
        return self.headers.get("apns-topic", "")


def judge(request: PushRequest) -> Answer | None:
    """The first thing wrong with a request, tokens aside; None for a good one."""
    return _judge_target(request) or _judge_headers(request) or _judge_payload(bytes(request.body))


def _judge_target(request: PushRequest) -> Answer | None:
    if request.headers.get(":method") != "POST":
        return Answer(405, "MethodNotAllowed")
    if not PATH.match(request.headers.get(":path", "")):
        return Answer(404, "BadPath")
    if not request.token:
        return Answer(400, "MissingDeviceToken")
    if not request.topic:
        return Answer(400, "MissingTopic")
    if not request.certificate_topic:  # the token says who it is
        return None
    return None if request.topic == request.certificate_topic else Answer(400, "TopicDisallowed")


def _judge_headers(request: PushRequest) -> Answer | None:
    rules: dict[str, tuple[str, Callable[[str], bool]]] = {
        "apns-id": ("BadMessageId", _is_uuid),
        "apns-push-type": ("InvalidPushType", PUSH_TYPES.__contains__),
        "apns-priority": ("BadPriority", {"1", "5", "10"}.__contains__),
        "apns-expiration": ("BadExpirationDate", str.isdigit),
    }
    for name, (reason, is_good) in rules.items():
        if name in request.headers and not is_good(request.headers[name]):
            return Answer(400, reason)
    if len(request.headers.get("apns-collapse-id", "").encode()) > 64:
        return Answer(400, "BadCollapseId")
    return None


def _judge_payload(body: bytes) -> Answer | None:
    if not body:
        return Answer(400, "PayloadEmpty")
    if len(body) > PAYLOAD_LIMIT:
        return Answer(413, "PayloadTooLarge")
    try:
        good = json.loads(body) in ({}, {"aps": {}})
    except ValueError:
        good = False
    return None if good else Answer(400, "BadPayload")


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


class Connection(asyncio.Protocol):
    """TLS has verified the client certificate, if there is one, before the first byte arrives here."""

    def __init__(self, service: ApnsSandbox) -> None:
        self._service = service
        self._http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self._requests: dict[int, PushRequest] = {}
        self._last_answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport
        session = transport.get_extra_info("ssl_object")
        if session.selected_alpn_protocol() != "h2":
            transport.abort()
            return
        certificate = session.getpeercert(binary_form=True)
        self._topic = _user_id(certificate) if certificate else ""
        self._service.opened(self)
        self._http.initiate_connection()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._service.closed(self)

    def abort(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        try:
            for event in self._http.receive_data(data):
                self._on_event(event)
        except h2.exceptions.ProtocolError:
            self._flush()  # h2 has put a GOAWAY with the reason into its buffer
            self._transport.close()
        else:
            self._flush()

    def _on_event(self, event: h2.events.Event) -> None:
        if isinstance(event, h2.events.RequestReceived):
            headers = {str(name): str(value) for name, value in event.headers}
            self._requests[event.stream_id] = PushRequest(headers, self._topic)
        elif isinstance(event, h2.events.DataReceived):
            request = self._requests.get(event.stream_id)
            if request and len(request.body) <= PAYLOAD_LIMIT:
                request.body += event.data or b""
            self._http.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self._on_request(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            self._requests.pop(event.stream_id or 0, None)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self._transport.close()

    def _on_request(self, stream_id: int) -> None:
        request = self._requests.pop(stream_id, None)
        if request is None or self._transport.is_closing():
            return
        fault = self._service.take_fault()
        if fault and fault.kind == "slow":
            asyncio.get_running_loop().call_later(fault.seconds, self._answer, stream_id, request, fault)
        else:
            self._answer(stream_id, request, fault)

    def _answer(self, stream_id: int, request: PushRequest, fault: ApnsFault | None) -> None:
        answer = self._service.answer(request, fault)
        if fault and fault.kind == "drop":
            self._transport.abort()
            return
        try:
            self._send(stream_id, request, answer)
            if fault and fault.kind == "goaway":
                self._http.close_connection(last_stream_id=self._last_answered)
        except h2.exceptions.ProtocolError:
            return  # the client hung up or reset the stream while it waited
        self._flush()
        if fault and fault.kind == "goaway":
            self._transport.close()

    def _send(self, stream_id: int, request: PushRequest, answer: Answer) -> None:
        body = answer.body()
        headers = [(":status", str(answer.status)), ("apns-id", request.apns_id)]
        if body:
            headers.append(("content-type", "application/json"))
        if answer.retry_after:
            headers.append(("retry-after", answer.retry_after))
        self._http.send_headers(stream_id, headers, end_stream=not body)
        if body:
            self._http.send_data(stream_id, body, end_stream=True)
        self._last_answered = max(self._last_answered, stream_id)

    def _flush(self) -> None:
        if data := self._http.data_to_send():
            self._transport.write(data)


def _user_id(certificate: bytes) -> str:
    subject = x509.load_der_x509_certificate(certificate).subject
    return next((str(name.value) for name in subject.get_attributes_for_oid(NameOID.USER_ID)), "")
