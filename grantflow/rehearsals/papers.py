"""Owns the papers that stand for attachments: small files that say they are invented. The PDF reads in any viewer."""

from __future__ import annotations

import base64
import io
import zipfile

_PICTURES = {
    "png": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg==",
    "jpg": "/9j/4AAQSkZJRgABAQAAAQABAAD/2Q==",
}
"""The smallest pictures there are."""


def pdf(*lines: str) -> bytes:
    """A page with these lines; what is not Latin is left out, because the page carries no font of its own."""
    shown = [
        line.encode("ascii", "ignore").decode().replace("\\", "").replace("(", "[").replace(")", "]") for line in lines
    ]
    words = "".join(f"({line}) Tj T*\n" for line in shown)
    text = f"BT /F1 12 Tf 18 TL 60 770 Td\n{words}ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    data, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    return data + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)


def paper(kind: str, *lines: str) -> bytes:
    """A paper of a kind that a question accepts: what it holds is of no account, only that it is one."""
    if kind == "pdf":
        return pdf(*lines)
    if kind in _PICTURES:
        return base64.b64decode(_PICTURES[kind])
    member = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml"}[kind]
    parcel = io.BytesIO()
    with zipfile.ZipFile(parcel, "w") as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr(member, "<x/>")
    return parcel.getvalue()
