"""The forms that an *arr sends."""

from tests.arr_emulator.arr_wire import BOUNDARY, encode
from tests.arr_emulator.dialects import DIALECTS, App

SONARR, PROWLARR = DIALECTS[App.SONARR], DIALECTS[App.PROWLARR]


def test_space_is_percent_20_and_for_prowlarr_plus() -> None:
    """Uri.EscapeDataString and WebUtility.UrlEncode differ in the space."""
    form = (("category", "tv ä/b"),)
    kind = "application/x-www-form-urlencoded"
    assert encode(SONARR, form, ()) == (kind, b"category=tv%20%C3%A4%2Fb")
    assert encode(PROWLARR, form, ()) == (kind, b"category=tv+%C3%A4/b".replace(b"/", b"%2F"))


def test_form_is_multipart_above_1024_bytes_in_one_field() -> None:
    """The switch is at the bytes of a single field, not of the form."""
    short = (("urls", "m" * 1024), ("category", "c" * 1024))
    assert encode(SONARR, short, ())[0] == "application/x-www-form-urlencoded"
    kind, body = encode(SONARR, (("urls", "ä" * 513),), ())
    assert kind == f"multipart/form-data; boundary={BOUNDARY}"
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="urls"\r\n\r\n'
    assert body == (head + "ä" * 513 + f"\r\n--{BOUNDARY}--\r\n").encode()


def test_file_comes_first_with_its_name_in_raw_utf8() -> None:
    """A .torrent is the first part, and its name is not escaped."""
    _, body = encode(SONARR, (("paused", "False"),), (("Ünï.torrent", b"d4:infoe"),))
    assert body.startswith(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="torrents"; '
        'filename="Ünï.torrent"\r\nContent-Type: application/octet-stream\r\n\r\nd4:infoe'.encode()
    )
    assert body.index(b"d4:infoe") < body.index(b'name="paused"')
