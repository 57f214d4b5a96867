"""What a sensor counts, for Prometheus: the text format over HTTP, on the address that is named.

Source: Prometheus, exposition formats, text format 0.0.4.
"""

import resource
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

_PREFIX = "minewatch_sensor_"


class Metric(NamedTuple):
    """One number: what it means, and whether it only grows."""

    value: float
    doc: str
    counter: bool = True


class Metrics:
    """The latest numbers of the sensor ``sensor`` on ``interface``; set by it, read by the server."""

    def __init__(self, sensor: str, interface: str) -> None:
        self._labels = f'{{sensor="{_escaped(sensor)}",interface="{_escaped(interface)}"}}'
        self._text = ""

    def publish(self, metrics: Mapping[str, Metric]) -> None:
        """Replace all numbers at once."""
        lines = []
        for name, metric in metrics.items():
            full = f"{_PREFIX}{name}{'_total' if metric.counter else ''}"
            kind = "counter" if metric.counter else "gauge"
            value = f"{metric.value:.15g}"
            lines += [f"# HELP {full} {metric.doc}", f"# TYPE {full} {kind}", f"{full}{self._labels} {value}"]
        self._text = "\n".join(lines) + "\n"

    def text(self) -> str:
        """Return them in the text format."""
        return self._text


class MetricsServer:
    """Serves ``/metrics`` on ``host``:``port`` (0: any free one) until closed. Raises OSError."""

    def __init__(self, metrics: Metrics, host: str, port: int) -> None:
        handler = type("Handler", (_Handler,), {"metrics": metrics})
        self._server = ThreadingHTTPServer((host, port), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        """Port that it listens on."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    metrics: Metrics
    timeout = 5.0
    server_version = "minewatch"
    sys_version = ""

    def do_GET(self) -> None:
        if self.path != "/metrics":
            self.send_error(404)
            return
        body = self.metrics.text().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def resident_bytes() -> int:
    """Return the largest memory that this process had resident so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
