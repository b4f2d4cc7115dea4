"""Files as they come: odd but meant well, refused as a whole, and with one bad row. More than 200 in all."""

import codecs
import io
import zipfile

HEADER = "UserLogin,StartDate,EndDate,Enabled"
ROW = "c.weber,2026-12-01,2026-12-10,yes"
PLAIN = f"{HEADER}\n{ROW}\n"


def _zip(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, PLAIN)
    return out.getvalue()


def _header_spellings() -> dict[str, bytes]:
    """Names that mean the same column."""
    spellings = {
        "UserLogin": [
            "userlogin",
            "USERLOGIN",
            " UserLogin ",
            "User Login",
            "\tUserLogin",
            '"UserLogin"',
            '" userlogin "',
        ],
        "StartDate": ["StartTime", "startdate", "START DATE", "  StartTime", '"Start Date"'],
        "EndDate": ["EndTime", "enddate", "END TIME", "End  Date", '"EndTime"'],
        "Enabled": ["OutOfOffice", "enabled", "ENABLED", "out of office", "Out Of Office", '"OUTOFOFFICE"'],
    }
    return {
        f"header {name} as {other!r}": PLAIN.replace(name, other, 1).encode()
        for name, others in spellings.items()
        for other in others
    }


def _switches() -> dict[str, bytes]:
    words = ["yes", "YES", "Yes", "ja", "JA", "Ja", "true", "TRUE", "True", "on", "ON", "1", " yes ", '"yes"']
    return {f"switch {word!r}": f"{HEADER}\nc.weber,2026-12-01,2026-12-10,{word}\n".encode() for word in words}


def _dates() -> dict[str, bytes]:
    firsts = [
        "2026-12-01", "2026-12-01 00:00", "2026-12-01 08:30:00", "2026-12-01T08:30", "2026-12-01T08:30:15",
        "2026-12-01T08:30:15.123", "01.12.2026", "1.12.2026", "01.12.2026 00:00:00", "01.12.2026 8:00",
        "01.12.2026 23:59", " 2026-12-01 ", '"01.12.2026"',
    ]  # fmt: skip
    return {f"date {text!r}": f"{HEADER}\nc.weber,{text},10.12.2026,yes\n".encode() for text in firsts}


def _encodings() -> dict[str, bytes]:
    with_umlaut = f"# für Büro\n{PLAIN}"
    named = {
        "utf-8": with_umlaut.encode(),
        "utf-8 with bom": with_umlaut.encode("utf-8-sig"),
        "two boms": codecs.BOM_UTF8 + PLAIN.encode("utf-8-sig"),
        "cp1252": with_umlaut.encode("cp1252"),
        "cp1252 euro in comment": f"# 5 €\n{PLAIN}".encode("cp1252"),
        "utf-8 euro in comment": f"# 5 € łódź 😀\n{PLAIN}".encode(),
        "utf-16 with bom": with_umlaut.encode("utf-16"),
        "utf-16-le with bom": codecs.BOM_UTF16_LE + with_umlaut.encode("utf-16-le"),
        "utf-16-be with bom": codecs.BOM_UTF16_BE + with_umlaut.encode("utf-16-be"),
        "utf-16-le without bom": PLAIN.encode("utf-16-le"),
        "utf-16-be without bom": PLAIN.encode("utf-16-be"),
        "utf-16 emoji in comment": f"# 😀\n{PLAIN}".encode("utf-16"),
        "ascii": PLAIN.encode("ascii"),
    }
    return {f"encoding {name}": data for name, data in named.items()}


def _layouts() -> dict[str, bytes]:
    layouts = {
        "semicolons": PLAIN.replace(",", ";"),
        "tabs": PLAIN.replace(",", "\t"),
        "all quoted": "\n".join(",".join(f'"{cell}"' for cell in line.split(",")) for line in PLAIN.split()),
        "quoted and semicolons": "\n".join(";".join(f'"{cell}"' for cell in line.split(",")) for line in PLAIN.split()),
        "sep line semicolon": "sep=;\n" + PLAIN.replace(",", ";"),
        "sep line comma": "sep=,\r\n" + PLAIN,
        "quoted sep line": '"sep=;"\n' + PLAIN.replace(",", ";"),
        "windows line ends": PLAIN.replace("\n", "\r\n"),
        "mac line ends": PLAIN.replace("\n", "\r"),
        "mixed line ends": f"{HEADER}\r\n\n\r{ROW}",
        "no newline at the end": PLAIN.rstrip("\n"),
        "many newlines at the end": PLAIN + "\n" * 50,
        "blank lines inside": f"\n\n{HEADER}\n\n \n{ROW}\n\n",
        "rows of separators": f"{HEADER}\n,,,\n{ROW}\n,,,\n",
        "blanks after commas": PLAIN.replace(",", ", "),
        "blanks before quotes": f"{HEADER}\nc.weber, \"2026-12-01\", \"2026-12-10\", \"yes\"\n",
        "comments": f"# one\n{HEADER}\n#c.weber,2027-01-01,2027-01-02,yes\n  # three\n{ROW}\n# four",
        "comment with an open quote": f'# it is 5" long\n# and,"open\n{PLAIN}',
        "trailing separator everywhere": "".join(f"{line},\n" for line in PLAIN.split()),
        "trailing separator in the header": f"{HEADER},\n{ROW}\n",
        "trailing separators in the row": f"{HEADER}\n{ROW},,,\n",
        "columns in another order": "Enabled,EndDate,UserLogin,StartDate\nja,10.12.2026,c.weber,01.12.2026\n",
        "by address": "UserEmail,StartDate,EndDate,Enabled\nc.weber@beispiel.test,2026-12-01,2026-12-10,1\n",
        "by address in capitals": "EMail,StartDate,EndDate,Enabled\nC.WEBER@BEISPIEL.TEST,2026-12-01,2026-12-10,1\n",
        "by search for the name": "UserSearch,StartDate,EndDate,Enabled\ncarla  weber,2026-12-01,2026-12-10,1\n",
        "by search for the login": "UserSearch,StartDate,EndDate,Enabled\nC.Weber,2026-12-01,2026-12-10,1\n",
        "by search for the address": "UserSearch,StartDate,EndDate,Enabled\n"
        "c.weber@beispiel.test,2026-12-01,2026-12-10,1\n",
        "login and address agree": "UserLogin,EMail,StartDate,EndDate,Enabled\n"
        "c.weber,c.weber@beispiel.test,2026-12-01,2026-12-10,1\n",
        "login in capitals": PLAIN.replace("c.weber", "C.WEBER"),
        "reason of the portal": f"{HEADER},Reason\n{ROW},It was wrong before.\n",
        "german reason of the portal": f"{HEADER},Grund\n{ROW},Es war falsch.\n",
        "apostrophe before a formula sign": f"# '=1\n{PLAIN}",
    }  # fmt: skip
    return {f"layout {name}": text.encode() for name, text in layouts.items()}


GOOD: dict[str, bytes] = {
    "csv example 1 of the manual": b'"UserEmail","EndTime","StartTime","Enabled"\r\n'
    b'"c.weber@beispiel.test","10.12.2026 01:02:03","01.12.2026 01:02:03","yes"\r\n',
    "csv example 2 of the manual": b'"UserLogin","EndDate","StartDate","Enabled"\r\n'
    b'"c.weber","2026-12-10","2026-12-01","yes"\r\n',
    **_header_spellings(),
    **_switches(),
    **_dates(),
    **_encodings(),
    **_layouts(),
}
"""Each means that c.weber is away from 2026-12-01 to 2026-12-10, in the table's only row."""

REFUSED: dict[str, bytes] = {
    "empty": b"",
    "only a bom": codecs.BOM_UTF8,
    "only a utf-16 bom": codecs.BOM_UTF16_LE,
    "only blank lines": b"\n\r\n  \n",
    "only comments": b"# one\n# two\n",
    "only a sep line": b"sep=;\n",
    "only separators": b",,,\n,,,\n",
    "only the header": HEADER.encode(),
    "header and comments": f"{HEADER}\n# {ROW}\n".encode(),
    "no header": ROW.encode(),
    "no header, two rows": f"{ROW}\n{ROW}\n".encode(),
    "wrong separator |": PLAIN.replace(",", "|").encode(),
    "wrong separator :": PLAIN.replace(",", ":").encode(),
    "wrong separator blank": PLAIN.replace(",", " ").encode(),
    "unknown column": f"{HEADER},Name\n{ROW},Carla\n".encode(),
    "unknown column with umlaut": f"{HEADER},Größe\n{ROW},x\n".encode(),
    "misspelt column": PLAIN.replace("StartDate", "StratDate").encode(),
    "hyphen in a column": PLAIN.replace("UserLogin", "User-Login").encode(),
    "german column": PLAIN.replace("StartDate", "Beginn").encode(),
    "column with a right-to-left mark": PLAIN.replace("UserLogin", "User\u200fLogin").encode(),
    "column with a zero width space": PLAIN.replace("UserLogin", "\u200bUserLogin").encode(),
    "column with a cyrillic letter": PLAIN.replace("EndDate", "\u0415ndDate").encode(),
    "column doubled": f"{HEADER},Enabled\n{ROW},yes\n".encode(),
    "start in two spellings": f"{HEADER},StartTime\n{ROW},2026-12-01\n".encode(),
    "end in two spellings": f"{HEADER},EndTime\n{ROW},2026-12-01\n".encode(),
    "enabled in two spellings": f"{HEADER},OutOfOffice\n{ROW},1\n".encode(),
    "address in two spellings": b"UserEmail,EMail,Enabled\na@b.test,a@b.test,no\n",
    "no column of agents": b"StartDate,EndDate,Enabled\n2026-12-01,2026-12-10,yes\n",
    "no column enabled": b"UserLogin,StartDate,EndDate\nc.weber,2026-12-01,2026-12-10\n",
    "quote not closed": f'{HEADER}\nc.weber,"2026-12-01,2026-12-10,yes\n'.encode(),
    "quote not closed in the header": b'UserLogin,"StartDate,EndDate,Enabled\nc.weber,a,b,yes\n',
    "text after a quote": f'{HEADER}\nc.weber,"2026-12-01"x,2026-12-10,yes\n'.encode(),
    "quote not closed at the end": f'{PLAIN}"'.encode(),
    "nul byte": PLAIN.replace("yes", "y\0es").encode(),
    "nul byte at the end": PLAIN.encode() + b"\0",
    "nul bytes alone": b"\0" * 100,
    "utf-32 with bom": PLAIN.encode("utf-32"),
    "utf-32 without bom": PLAIN.encode("utf-32-le"),
    "utf-16 cut in half a letter": PLAIN.encode("utf-16")[:-1],
    "utf-16 lone surrogate": codecs.BOM_UTF16_LE + b"\x00\xd8" + PLAIN.encode("utf-16-le"),
    "utf-16 with a nul": (PLAIN + "\0").encode("utf-16"),
    "utf-8 broken and mixed": "Büro,".encode() + b"\xfc\xff\x81\n" + PLAIN.encode(),
    "neither utf-8 nor cp1252": b"\x81\x8d\n" + PLAIN.encode(),
    "utf-7": ("+AFU-serLogin," + ROW).encode(),
    "ebcdic": PLAIN.encode("cp500"),
    "xlsx": _zip("xl/workbook.xml"),
    "zip": _zip("absences.csv"),
    "xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600,
    "gzip": b"\x1f\x8b\x08\x00" + b"x" * 100,
    "pdf": b"%PDF-1.7\n" + PLAIN.encode(),
    "rtf": b"{\\rtf1 " + PLAIN.encode(),
    "html": b"<html><table><tr><td>UserLogin</td></tr></table></html>",
    "html page": b"\n<!DOCTYPE html><title>Sign in</title>",
    "xml": b"<?xml version='1.0'?><rows/>",
    "json": b'[{"UserLogin": "c.weber", "Enabled": "yes"}]',
    "png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "one very long line": b"x" * 900_000,
    "a million columns": b"," * 1_000_000,
    "many columns in the header": (HEADER + ",x" * 400_000).encode(),
    "51 columns": (HEADER + "," * 47 + "\n" + ROW).encode(),
    "a cell of 200,000 signs": f"{HEADER}\n{'x' * 200_000},2026-12-01,2026-12-10,yes\n".encode(),
    "too many rows": (HEADER + "\n" + f"{ROW}\n" * 5_001).encode(),
    "too large": (HEADER + "\n" + f"{ROW}\n" * 40_000).encode(),
    "formula instead of a header": b"=HYPERLINK(1)\nx\n",
    "emoji instead of a header": "😀,😀\n1,2\n".encode(),
    "sql instead of a header": b"'; DROP TABLE outofoffice_upload; --\nx\n",
    "template tags instead of a header": b"{% load x %},{{ y }}\n1,2\n",
    "markup in an unknown column": f"{HEADER},<svg onload=alert(1)>\n{ROW},x\n".encode(),
}
"""Each is refused as a whole."""


def _bad_dates() -> dict[str, tuple[str, str]]:
    texts = [
        "2026-02-30", "2026-02-29", "30.02.2026", "29.02.2026", "31.04.2026", "2026-13-01", "2026-00-10",
        "00.12.2026", "2026-12-32", "32.12.2026", "31.13.2026", "morgen", "tomorrow", "12/01/2026", "1/2/26",
        "2026/12/01", "01-12-2026", "01.12.26", "1.12.", "2026-12", "2026", "20261201", "46357", "2026-12-01Z",
        "2026-12-01T08:00:00Z", "2026-12-01T08:00:00+02:00", "2026-12-01 25:00", "2026-12-01 08:60",
        "2026-12-01 08:00:61", "2026-12-01T24:00:00", "01.12.2026 24:00:00", "2026-12-01x", "x2026-12-01",
        "2026-12-01 bis 2026-12-03", "２０２６-12-01", "٢٠٢٦-١٢-٠١", "2026-1-1", "2026 12 01", "Dec 1, 2026",
        "1. Dezember 2026", "1999-12-01", "2100-01-01", "0001-01-01", "9999-12-31", "99999-12-31",
        "-2026-12-01", "=TODAY()", "#REF!", "NULL", "None", "-", "?", "0000-00-00", "00.00.0000", "NaN", "∞",
        "2026–12–01", "2026-12-0１", "2026-12-01\u200b", "\u200f2026-12-01", "2026\u00a0-12-01", "😀",
    ]  # fmt: skip
    return {f"start {text!r}": (f"c.weber,{text},2026-12-31,yes", "StartDate") for text in texts if "," not in text}


def _bad_switches() -> dict[str, tuple[str, str]]:
    texts = [
        "", "y", "n", "j", "x", "X", "2", "-1", "01", "1.0", "yes!", "yes no", "oui", "si", "true1", "wahr",
        "an", "aus", "enabled", "NULL", "undef", "ÿes", "уes", "y\u200bes", "😀", "=TRUE()", "１", "nо", "NEIN.",
        "no;", "0,5",
    ]  # fmt: skip
    return {
        f"switch {text!r}": (f'c.weber,2026-12-01,2026-12-10,"{text}"', "Enabled") for text in texts if '"' not in text
    }


def _bad_agents() -> dict[str, tuple[str, str]]:
    texts = [
        "", "gibts.nicht", "c.web*", "c.web%", "c_weber", "%", "*", "c.weber;b.schmidt", "c.weber b.schmidt",
        "f.alt", "öztürk", "ｃ.weber", "c.weber\u200f", "\u202ec.weber", "=c.weber", "'c.weber", "c.weber'--",
        "<svg onload=1>", "{{ 7|add:7 }}", "%s%s%n", "../../etc/passwd", "c.weber\nb.schmidt", "c.weber\tx",
        "😀", "c.weber€", "x" * 501, "0", "None", "null", "c.weber\u00a0b", "\u00adc.weber",
    ]  # fmt: skip
    return {
        f"agent {text[:30]!r}": (f'"{text}",2026-12-01,2026-12-10,yes', "UserLogin")
        for text in texts
        if '"' not in text
    }


BAD_ROWS: dict[str, tuple[str, str]] = {
    "end before start": ("c.weber,2026-12-10,2026-12-01,yes", "EndDate"),
    "end before start of what is off": ("c.weber,2026-12-10,2026-12-01,no", "EndDate"),
    "on without dates": ("c.weber,,,yes", "StartDate"),
    "on without start": ("c.weber,,2026-12-10,yes", "StartDate"),
    "on without end": ("c.weber,2026-12-01,,yes", "EndDate"),
    "off with a start alone": ("c.weber,2026-12-01,,no", "EndDate"),
    "off with an end alone": ("c.weber,,2026-12-10,no", "StartDate"),
    "too few cells": ("c.weber,2026-12-01", ""),
    "one cell": ("c.weber", ""),
    "too many cells": ("c.weber,2026-12-01,2026-12-10,yes,extra", ""),
    "half a million cells": ("c.weber" + ",x" * 400_000, ""),
    "unquoted separator": ("Weber, Carla,2026-12-01,2026-12-10,yes", ""),
    "header again": (HEADER, ""),
    "header again in capitals": (HEADER.upper(), ""),
    "line break in a cell": ('c.weber,"2026-12-01\n",2026-12-10,"ye\ns"', "Enabled"),
    **_bad_dates(),
    **_bad_switches(),
    **_bad_agents(),
}
"""The second row of a table and the column where it is wrong; the row before it is good."""


def with_bad_row(row: str) -> bytes:
    return f"{HEADER}\nb.schmidt,2026-12-01,2026-12-10,yes\n{row}\n".encode()


EVERYTHING = {**GOOD, **REFUSED, **{name: with_bad_row(row) for name, (row, _column) in BAD_ROWS.items()}}
