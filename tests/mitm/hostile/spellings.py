"""How an address can be written so that some reader, resolver, kernel or gateway gets there."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from tests.escaped import tables

_ADDRESSES = {
    name: [value.decode() for value in found]
    for name, found in tables(Path(__file__).with_suffix(".txt")).items()
}
METADATA_V4, METADATA_V6 = _ADDRESSES["metadata 4"], _ADDRESSES["metadata 6"]
PRIVATE_V4, PRIVATE_V6 = _ADDRESSES["private 4"], _ADDRESSES["private 6"]


def of_v4(text: str) -> Iterator[str]:
    """Spellings of an IPv4 address, itself first. As they stand in a URL: IPv6 has brackets."""
    yield text
    yield text + "."
    yield from _numbers(text)
    yield from _letters(text)
    for wrapped in wrappings(text):
        yield from of_v6(wrapped)
    yield f"[::ffff:{text}]"
    yield f"[0:0:0:0:0:ffff:{text}]"
    yield f"[::{text}]"
    yield f"[64:ff9b::{text}]"


def _numbers(text: str) -> Iterator[str]:
    """What `inet_aton` and its descendants read: octal, hexadecimal, fewer parts, overflow."""
    number, parts = int(IPv4Address(text)), [int(part) for part in text.split(".")]
    yield str(number)
    yield str(number + (1 << 32))
    yield f"0{number:o}"
    yield f"{number:#x}"
    yield f"{number:#X}"
    yield f"0x{number:016x}"
    yield f"{parts[0]}.{number & 0xFFFFFF}"
    yield f"{parts[0]}.{parts[1]}.{number & 0xFFFF}"
    yield f"{parts[0]:#x}.{number & 0xFFFFFF:#x}"
    yield f"0{parts[0]:o}.0{number & 0xFFFFFF:o}"
    yield ".".join(f"0{part:o}" for part in parts)
    yield ".".join(f"0000{part:o}" for part in parts)
    yield ".".join(f"{part:#x}" for part in parts)
    yield ".".join(f"0x{part:04X}" for part in parts)
    yield ".".join(f"{part:03}" for part in parts[:3]) + f".0{parts[3]}"
    yield ".".join(str(part + 256) for part in parts)
    for place in range(4):
        for odd in ("0{:o}", "{:#x}", "+{}", "0x0{:x}"):
            mixed = [
                odd.format(part) if at == place else str(part) for at, part in enumerate(parts)
            ]
            yield ".".join(mixed)
    yield text + ".0"
    yield "0." + text


def _letters(text: str) -> Iterator[str]:
    """What Unicode normalisation or a decoder makes of other characters."""
    wide = text.translate({ord(digit): 0xFF10 + int(digit) for digit in "0123456789"})
    yield wide
    yield wide.replace(".", "\uff0e")
    for dot in "\u3002\uff0e\uff61\u2024":
        yield text.replace(".", dot)
    yield text.translate({ord(d): chr(0x2460 + int(d) - 1) for d in "123456789"})
    yield text.translate({ord(digit): 0x660 + int(digit) for digit in "0123456789"})
    yield text.translate({ord(digit): 0x1D7CE + int(digit) for digit in "0123456789"})
    yield text.replace(".", "%2e")
    yield text.replace("1", "%31")
    for odd in ("%00", "%20", "%09", "%0a", "%2f", "\\", "\u200b", "\u00ad", ";", ","):
        yield text + odd
    yield f"user@{text}"
    yield f"api.test@{text}"
    yield f"[{text}]"


def wrappings(text: str) -> Iterator[str]:
    """IPv6 addresses that carry the IPv4 one, as some gateway or kernel reads it out of them."""
    number = int(IPv4Address(text))
    high, low = number >> 16, number & 0xFFFF
    first, second, third, fourth = number.to_bytes(4)
    flipped = number ^ 0xFFFFFFFF
    yield f"::ffff:{high:x}:{low:x}"
    yield f"::{high:x}:{low:x}"
    yield f"::ffff:0:{high:x}:{low:x}"
    yield f"64:ff9b::{high:x}:{low:x}"
    yield f"64:ff9b:1::{high:x}:{low:x}"
    yield f"64:ff9b:1:dead:beef:0:{high:x}:{low:x}"
    yield f"64:ff9b:1:{high:x}:{third:x}:{fourth:x}00::"
    yield f"64:ff9b:1:{first:x}:{second:x}:{low:x}::"
    yield f"64:ff9b:1:0:{first:x}:{(second << 8) | third:x}:{fourth:x}00:0"
    yield f"2002:{high:x}:{low:x}::"
    yield f"2002:{high:x}:{low:x}:1:2:3:4:5"
    yield f"2001:0:{high:x}:{low:x}::"
    yield f"2001:0:4136:e378:8000:63bf:{flipped >> 16:x}:{flipped & 0xFFFF:x}"
    yield f"fe80::5efe:{high:x}:{low:x}"
    yield f"2001:4860::200:5efe:{high:x}:{low:x}"


def of_v6(text: str) -> Iterator[str]:
    """Spellings of an IPv6 address, all in brackets."""
    address = IPv6Address(text)
    exploded = address.exploded
    for each in (text, address.compressed, exploded, exploded.upper(), text.upper()):
        yield f"[{each}]"
    yield f"[{exploded[:30]}{IPv4Address(int(address) & 0xFFFFFFFF)}]"
    for zone in ("%25eth0", "%eth0", "%251", "%lo", "%25"):
        yield f"[{text}{zone}]"
    yield f"[{text}]."
    yield f"[{text}"
    yield f"[[{text}]]"
    yield f"[{text} ]"


def all_of_them() -> list[str]:
    """Every spelling of every address that is never dialled unless somebody allowed it."""
    found: dict[str, None] = {}
    for text in (*METADATA_V4, *PRIVATE_V4):
        found.update(dict.fromkeys(of_v4(text)))
    for text in (*METADATA_V6, *PRIVATE_V6):
        found.update(dict.fromkeys(of_v6(text)))
    return list(found)


def metadata() -> list[str]:
    """Those of the cloud metadata services."""
    found: dict[str, None] = {}
    for text in METADATA_V4:
        found.update(dict.fromkeys(of_v4(text)))
    for text in METADATA_V6:
        found.update(dict.fromkeys(of_v6(text)))
    return list(found)


def addresses() -> list[str]:
    """What a DNS server may answer: addresses alone, mapped and carried ones among them."""
    found: dict[str, None] = dict.fromkeys((*METADATA_V4, *PRIVATE_V4, *METADATA_V6, *PRIVATE_V6))
    for text in (*METADATA_V4, *PRIVATE_V4):
        found.update(dict.fromkeys(wrappings(text)))
    return list(found)
