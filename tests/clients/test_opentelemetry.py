"""OpenTelemetry's own messages read what patmint sends."""

import http.server
import os
import shlex
import subprocess
import threading
from queue import Queue

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import Span

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes traces as a collector does."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.put((self.path, self.headers, ExportTraceServiceRequest.FromString(body)))
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def receiver():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        server.daemon_threads = True
        server.received = Queue()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def traced(receiver):
    """The address of a server beside the one of all tests, on its database, that sends traces; what ends it."""
    command = shlex.split(os.environ["PATMINT_COMMAND"])
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PATMINT_")}
    outside["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{receiver.server_port}"
    serve = [command[0], "serve", "--listen", "127.0.0.1:0", *command[1:]]
    server = subprocess.Popen(serve, env=outside, stderr=subprocess.PIPE, text=True)
    line = next(line for line in server.stderr if "listening on " in line)
    # Whoever does not read keeps it from writing.
    reader = threading.Thread(target=server.stderr.read)
    reader.start()

    def stop() -> None:
        server.terminate()
        assert server.wait(60) == 0
        reader.join()

    yield line.split("listening on ")[1].split()[0], stop
    server.kill()


def test_a_request_is_read_as_a_span(traced, receiver, account):
    url, stop = traced
    answer = httpx.post(
        f"{url}/api/token/refresh",
        json={"refresh": account.token},
        headers={"traceparent": f"00-{TRACE}-{PARENT}-01"},
    )
    assert answer.status_code == 200
    stop()
    spans = []
    while not receiver.received.empty():
        path, headers, message = receiver.received.get_nowait()
        assert (path, headers["Content-Type"]) == ("/v1/traces", "application/x-protobuf")
        of_server, = message.resource_spans
        resource = {it.key: it.value.string_value for it in of_server.resource.attributes}
        assert resource["service.name"] == "patmint"
        spans += [span for scope in of_server.scope_spans for span in scope.spans]
    span, = (span for span in spans if span.kind == Span.SPAN_KIND_SERVER)
    assert (span.name, span.trace_id.hex(), span.parent_span_id.hex()) == ("POST /api/token/refresh", TRACE, PARENT)
    attributes = {it.key: it.value for it in span.attributes}
    assert attributes["http.route"].string_value == "/api/token/refresh"
    assert attributes["http.response.status_code"].int_value == 200
    assert attributes["patmint.request_id"].string_value == answer.headers["X-Request-Id"]
    assert span.start_time_unix_nano < span.end_time_unix_nano
    below, = (other for other in spans if other.parent_span_id == span.span_id)
    assert (below.name, below.trace_id) == ("credential read", span.trace_id)
