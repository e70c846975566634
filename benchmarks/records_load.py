"""Load for the centre: boxes that send sealed records over TLS as fast as they are taken, and the bare peer.

`python -m benchmarks.records_load send FOLDER CHUNK PORT…` sends what lies in FOLDER/<box>/*.age, one
connection a box, and prints one JSON object. `… bare FOLDER` is the peer: TLS, write, fsync, one byte back.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from centre.pki import Pki
from centre.serve import listening, tls_context

READ_BYTES = 1 << 18
BARE = 0
"""As CHUNK: the peer's own words instead of HTTP."""
TUS = "Tus-Resumable: 1.0.0\r\n"
Send = Callable[[ssl.SSLSocket, bytes, int], str]


class LoadFailed(Exception):
    """The centre refused a record or hung up."""


def main() -> None:
    act, folder = sys.argv[1], Path(sys.argv[2])
    if act == "bare":
        bare(folder)
    else:
        print(json.dumps(send(folder, int(sys.argv[3]), [int(port) for port in sys.argv[4:]])))


def send(folder: Path, chunk: int, ports: list[int]) -> dict[str, object]:
    """Every record of every box; `took_s` of each from first byte to receipt, `kinds` of the receipts."""
    boxes = sorted(path.parent for path in folder.glob("*/box.crt.pem"))
    took: list[float] = []
    kinds: list[str] = []
    failed: list[str] = []
    ready = threading.Barrier(len(boxes) + 1)

    def one(box: Path, port: int) -> None:
        try:
            sending(box, port)
        except (OSError, LoadFailed) as exc:
            failed.append(f"{box.name}: {exc}")

    def sending(box: Path, port: int) -> None:
        with _connect(box, port) as talk:
            ready.wait()
            for file in sorted(box.glob("*.age")):
                data = file.read_bytes()
                began = time.perf_counter()
                kinds.append(_send_bare(talk, data) if chunk == BARE else _send_record(talk, data, chunk))
                took.append(time.perf_counter() - began)

    threads = [
        threading.Thread(target=one, args=(box, ports[at % len(ports)])) for at, box in enumerate(boxes)
    ]
    for thread in threads:
        thread.start()
    ready.wait()
    began, spent = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.join()
    return {
        "whole_s": time.perf_counter() - began,
        "cpu_s": time.process_time() - spent,
        "took_s": took,
        "kinds": sorted(set(kinds)),
        "records": len(took),
        "failed": failed,
    }


def _connect(box: Path, port: int) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=box / "tls-ca.pem")
    context.load_cert_chain(box / "box.crt.pem", box / "box.key.pem")
    line = socket.create_connection(("127.0.0.1", port), timeout=60)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(line, server_hostname="127.0.0.1")


def _send_record(talk: ssl.SSLSocket, data: bytes, chunk: int) -> str:
    """As a box does it: create, chunks under their SHA-256, deliver."""
    head, _ = _ask(
        talk, f"POST /files HTTP/1.1\r\n{TUS}Upload-Length: {len(data)}\r\nContent-Length: 0\r\n", b""
    )
    place = next(line for line in head if line.lower().startswith("location:")).split(": ")[1]
    for offset in range(0, len(data), chunk):
        part = data[offset : offset + chunk]
        checksum = base64.b64encode(hashlib.sha256(part).digest()).decode()
        _ask(
            talk,
            f"PATCH {place} HTTP/1.1\r\n{TUS}Upload-Offset: {offset}\r\nContent-Length: {len(part)}\r\n"
            f"Content-Type: application/offset+octet-stream\r\nUpload-Checksum: sha256 {checksum}\r\n",
            part,
        )
    body = {"upload": place.rpartition("/")[2], "sealed_digest": hashlib.sha256(data).hexdigest()}
    content = json.dumps(body).encode()
    length = f"Content-Length: {len(content)}\r\n"
    _, answer = _ask(talk, f"POST /v1/records HTTP/1.1\r\n{length}", content)
    return str(json.loads(answer)["receipt"]["kind"])


def _ask(talk: ssl.SSLSocket, head: str, body: bytes) -> tuple[list[str], bytes]:
    talk.sendall(f"{head}Host: centre\r\n\r\n".encode() + body)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _some(talk)
    top, _, rest = answer.partition(b"\r\n\r\n")
    lines = top.decode().split("\r\n")
    fields = {line.split(":")[0].lower(): line.split(": ", 1)[1] for line in lines[1:]}
    length = int(fields.get("content-length", 0))
    while len(rest) < length:
        rest += _some(talk)
    if not lines[0].split()[1].startswith("2"):
        raise LoadFailed(f"{lines[0]}: {rest[:300].decode()}")
    return lines, rest


def _some(talk: ssl.SSLSocket) -> bytes:
    got = talk.recv(65536)
    if not got:
        raise LoadFailed("the centre hung up")
    return got


def _send_bare(talk: ssl.SSLSocket, data: bytes) -> str:
    talk.sendall(struct.pack(">I", len(data)) + data)
    _some(talk)
    return "bare"


def bare(folder: Path) -> None:
    """Take files over the centre's TLS until ended: what any receiver that keeps its word must do."""
    context = tls_context(Pki(folder / "pki"))
    target = folder / "bare"
    target.mkdir(exist_ok=True)
    with listening("127.0.0.1", 0) as listener:
        print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
        for number in range(1 << 30):
            line, _ = listener.accept()
            threading.Thread(target=_take, args=(context, line, target / str(number)), daemon=True).start()


def _take(context: ssl.SSLContext, line: socket.socket, target: Path) -> None:
    buffer = memoryview(bytearray(READ_BYTES))
    with context.wrap_socket(line, server_side=True) as talk:
        number = 0
        while head := talk.recv(4):
            left, number = struct.unpack(">I", head)[0], number + 1
            handle = os.open(f"{target}-{number}", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
            while left:
                got = talk.recv_into(buffer, min(left, READ_BYTES))
                os.write(handle, buffer[:got])
                left -= got
            os.fsync(handle)
            os.close(handle)
            talk.sendall(b".")


if __name__ == "__main__":
    main()
