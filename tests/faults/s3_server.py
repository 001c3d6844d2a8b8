"""An S3 server on loopback that fails by rule and by seed."""

from __future__ import annotations

import contextlib
import random
import re
import socket
import struct
import threading
import urllib.request
from collections import Counter
from dataclasses import dataclass
from urllib.parse import unquote

import obstore.store
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    create_backend_app,
)
from werkzeug.serving import WSGIRequestHandler, make_server

BUCKET = "images"

#: What is answered: status and code of the error.
ANSWERS = {
    "500": ("500 Internal Server Error", "InternalError"),
    "503": ("503 Service Unavailable", "SlowDown"),
    "429": ("429 Too Many Requests", "TooManyRequests"),
    "403": ("403 Forbidden", "AccessDenied"),
    "expired": ("400 Bad Request", "ExpiredToken"),
}

#: Faults that end by themselves, and those that do not.
TRANSIENT = ("500", "503", "429", "drop", "truncate", "lost", "delay")
PERMANENT = ("500", "503", "403", "expired", "drop", "stop")


@dataclass(frozen=True)
class Rule:
    """When the server fails, and how.

    Parameters
    ----------
    fault : str
        A key of `ANSWERS`; "drop" closes the connection before anything is done,
        "lost" after it was done; "truncate" announces more bytes than it sends (of
        what is not read, as "lost"); "delay" answers late; "kept" reports that keys of
        a bulk delete could not be deleted; "stop" refuses connections from then on.
    rate : float
        Share of the requests.
    methods : str
        Those that it is about, separated by spaces; all if empty.
    key : str
        Regular expression that is searched in the key.
    after : int
        So many requests that it is about are answered first.
    times : int, optional
        It fails so often and no more.
    in_a_row : int
        It fails at most so often for the same method and key one after the other.
    """

    fault: str
    rate: float = 1.0
    methods: str = ""
    key: str = ""
    after: int = 0
    times: int | None = None
    in_a_row: int | None = None


class Silent(WSGIRequestHandler):
    """Says nothing of what it answers."""

    def log(self, *_):
        """Nothing."""


class Server:
    """An S3 server that notes the requests it gets, and fails by rules.

    Parameters
    ----------
    delay : float
        Seconds that a late answer is late.
    conditions : bool
        Whether it honours conditions of puts.
    """

    def __init__(self, delay: float = 3.0, conditions: bool = True):
        self.requests = []
        self.failed = Counter()
        self.under_way = 0
        self._delay = delay
        self._conditions = conditions
        self._lock = threading.RLock()
        self._alone = threading.Lock()
        self._closing = threading.Event()
        self._rules, self._seen, self._rows = (), Counter(), Counter()
        self._random = random.Random(0)
        self._app = DomainDispatcherApplication(create_backend_app)
        self._http = self._made(0)
        self.port = self._http.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._listen()
        self.request("PUT", BUCKET)

    def _made(self, port):
        made = make_server(
            "127.0.0.1", port, self._respond, threaded=True, request_handler=Silent
        )
        made.daemon_threads, made.block_on_close = True, False
        return made

    def _listen(self):
        self._is_stopped = False
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()

    def stop(self):
        """Refuse connections, and keep what is stored."""
        with self._lock:
            if self._is_stopped:
                return
            self._is_stopped = True
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def start(self):
        """Listen again, where it is stopped."""
        if self._is_stopped:
            self._http = self._made(self.port)
            self._listen()

    def request(self, method, path):
        """A request that does not fail."""
        made = urllib.request.Request(
            f"{self.url}/{path}", method=method, headers={"x-no-fault": "1"}
        )
        with urllib.request.urlopen(made) as answer:
            return answer.read()

    @contextlib.contextmanager
    def failing(self, *rules, seed=0):
        """Fail by these rules for a while."""
        with self._lock:
            self.requests.clear()
            self.failed.clear()
            self._seen, self._rows = Counter(), Counter()
            self._random = random.Random(seed)
            self._rules = rules
        try:
            yield self
        finally:
            with self._lock:
                self._rules = ()

    def close(self):
        """Stop for good."""
        self._closing.set()
        self.stop()

    # -- Answering ----------------------------------------------------------------

    def _respond(self, environ, start_response):
        method = environ["REQUEST_METHOD"]
        key = unquote(environ["PATH_INFO"]).removeprefix(f"/{BUCKET}").lstrip("/")
        if "delete" in environ["QUERY_STRING"].split("&"):
            method = "BULK"
        with self._lock:
            self.requests.append((method, key))
            self.under_way += 1
            rule = None if "HTTP_X_NO_FAULT" in environ else self._rule(method, key)
            if rule is not None:
                self.failed[rule.fault] += 1
        try:
            if rule is None:
                return self._answer(environ, start_response)
            return self._fail(rule.fault, environ, start_response)
        finally:
            with self._lock:
                self.under_way -= 1

    def _rule(self, method, key):
        for rule in self._rules:
            if rule.methods and method not in rule.methods.split():
                continue
            if re.search(rule.key, key) is None:
                continue
            self._seen[rule] += 1
            row = (rule, method, key)
            if self._seen[rule] <= rule.after or self._random.random() >= rule.rate:
                self._rows[row] = 0
                continue
            if rule.times is not None and self.failed[rule.fault] >= rule.times:
                continue
            if rule.in_a_row is not None and self._rows[row] >= rule.in_a_row:
                self._rows[row] = 0
                continue
            self._rows[row] += 1
            return rule
        return None

    def _answer(self, environ, start_response):
        """As moto does, but one conditional put after the other."""
        if "HTTP_IF_NONE_MATCH" not in environ:
            return [b"".join(self._app(environ, start_response))]
        if not self._conditions:
            del environ["HTTP_IF_NONE_MATCH"]
        with self._alone:
            return [b"".join(self._app(environ, start_response))]

    def _fail(self, fault, environ, start_response):
        if fault == "delay":
            self._closing.wait(self._delay)
            return self._answer(environ, start_response)
        if fault in ANSWERS:
            # What was sent is read, or the client sees a broken pipe first.
            _drained(environ)
            status, code = ANSWERS[fault]
            body = (
                f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code>'
                f"<Message>injected {fault}</Message></Error>"
            ).encode()
            headers = [("Content-Type", "application/xml")]
            start_response(status, [*headers, ("Content-Length", str(len(body)))])
            return [b"" if environ["REQUEST_METHOD"] == "HEAD" else body]
        if fault == "kept":
            return self._keep(environ, start_response)
        if fault == "truncate" and environ["REQUEST_METHOD"] == "GET":
            return self._truncate(environ, start_response)
        if fault == "stop":
            threading.Thread(target=self.stop).start()
        if fault in ("lost", "truncate"):
            self._answer(environ, lambda *_: None)
        _cut(environ)
        raise ConnectionError("injected")

    def _truncate(self, environ, start_response):
        told = {}

        def start(status, headers, *_):
            told.update(status=status, headers=headers)

        body = b"".join(self._answer(environ, start))
        headers = [h for h in told["headers"] if h[0].lower() != "content-length"]
        start_response(told["status"], [*headers, ("Content-Length", str(len(body)))])
        return [body[: len(body) // 2]]

    def _keep(self, environ, start_response):
        sent = _drained(environ).decode()
        keys = re.findall("<Key>([^<]*)</Key>", sent)
        errors = "".join(
            f"<Error><Key>{key}</Key><Code>InternalError</Code>"
            "<Message>injected</Message></Error>"
            for key in keys
        )
        body = f'<?xml version="1.0"?><DeleteResult>{errors}</DeleteResult>'.encode()
        headers = [("Content-Type", "application/xml")]
        start_response("200 OK", [*headers, ("Content-Length", str(len(body)))])
        return [body]

    # -- What clients need, and what is stored -------------------------------------

    def options(self, **more):
        """Options of s3fs to reach it."""
        return {
            "key": "key",
            "secret": "secret",
            "endpoint_url": self.url,
            "client_kwargs": {"region_name": "us-east-1"},
            **more,
        }

    def obstore(self, prefix, **more):
        """A store of obstore."""
        return obstore.store.S3Store(
            BUCKET,
            prefix=prefix,
            endpoint=self.url,
            access_key_id="key",
            secret_access_key="secret",
            region="us-east-1",
            virtual_hosted_style_request=False,
            **{"client_options": {"allow_http": True}, **more},
        )

    def boto3(self):
        """A client of nobody we use, and to which nothing fails."""
        import boto3

        client = boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            region_name="us-east-1",
        )
        client.meta.events.register("before-send.s3", _spared)
        return client

    def stored(self, prefix):
        """All objects below a prefix, read by boto3."""
        client = self.boto3()
        pages = client.get_paginator("list_objects_v2").paginate(
            Bucket=BUCKET, Prefix=f"{prefix}/"
        )
        keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
        return {
            key.removeprefix(f"{prefix}/"): client.get_object(Bucket=BUCKET, Key=key)[
                "Body"
            ].read()
            for key in keys
        }


def _spared(request, **_):
    request.headers["x-no-fault"] = "1"


def _drained(environ):
    size = int(environ.get("CONTENT_LENGTH") or 0)
    return environ["wsgi.input"].read(size) if size else b""


def _cut(environ):
    """Close the connection without a word."""
    connection = environ["werkzeug.socket"]
    with contextlib.suppress(OSError):
        connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        connection.shutdown(socket.SHUT_RDWR)
