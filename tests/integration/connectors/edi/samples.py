"""Interchanges that several tests use, all written for them; the companies do not exist."""

from __future__ import annotations

from collections.abc import Sequence

ISA = "ISA*00*          *00*          *ZZ*NORTHWIND      *ZZ*ACME           *240229*1430*U*00401*{control:09d}*0*P*:~"


def x12(segments: Sequence[str], *, control: int = 7, code: str = "PO", kind: str = "850", end: str = "\n") -> str:
    """Return an X12 interchange with one message of *segments*."""
    lines = [
        ISA.format(control=control).removesuffix("~"),
        f"GS*{code}*NORTHWIND*ACME*20240229*1430*{control}*X*004010",
        f"ST*{kind}*0001",
        *segments,
        f"SE*{len(segments) + 2}*0001",
        f"GE*1*{control}",
        f"IEA*1*{control:09d}",
    ]
    return "".join(f"{line}~{end}" for line in lines)


ORDER = (
    "BEG*00*SA*PO-1001**20240229",
    "CUR*BY*EUR",
    "REF*CT*C-77",
    "DTM*002*20240315",
    "N1*BY*Northwind Traders*92*NW1",
    "N3*1 Harbour Road",
    "N4*Oslo**0150*NO",
    "PO1*1*10*EA*2.5**VP*BOLT-M8",
    "PID*F****Bolt, M8",
    "PO1*2*4*BX*120**VP*NUT-M8",
    "CTT*2",
    "AMT*TT*505",
)


def edifact(
    segments: Sequence[str],
    *,
    control: str = "42",
    kind: str = "ORDERS:D:96A:UN",
    una: str = "UNA:+.? '",
    end: str = "",
) -> str:
    """Return an EDIFACT interchange with one message of *segments*."""
    lines = [
        f"UNB+UNOC:3+NORTHWIND:14+ACME:14+240229:1430+{control}",
        f"UNH+1+{kind}",
        *segments,
        f"UNT+{len(segments) + 2}+1",
        f"UNZ+1+{control}",
    ]
    return una + end + "".join(f"{line}'{end}" for line in lines)


ORDERS = (
    "BGM+220+PO-1001+9",
    "DTM+137:20240229:102",
    "DTM+2:20240315:102",
    "RFF+CT:C-77",
    "NAD+BY+NW1::92++Northwind ?+ Sons+1 Harbour Road+Oslo++0150+NO",
    "CUX+2:EUR:9",
    "LIN+1++BOLT-M8:SA",
    "IMD+F++:::Bolt, M8",
    "QTY+21:10:PCE",
    "PRI+AAA:2.5",
    "LIN+2++NUT-M8:SA",
    "QTY+21:4:BX",
    "UNS+S",
    "MOA+79:505",
    "CNT+2:2",
)
