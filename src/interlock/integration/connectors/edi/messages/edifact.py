"""Mappings of EDIFACT messages: ORDERS, ORDRSP and INVOIC of directory D.96A."""

from __future__ import annotations

from typing import Any

_VERSION = "D:96A:UN"


def _date(qualifier: str, name: str, *, required: bool = False) -> dict[str, Any]:
    return {
        "segment": "DTM",
        "match": {"1.1": qualifier},
        "constants": {"1.3": "102"},
        "required": required,
        "elements": {"1.2": {"name": name, "type": "date", "required": required}},
    }


def _begin(kind: str) -> dict[str, Any]:
    return {
        "segment": "BGM",
        "required": True,
        "elements": {
            "1.1": {"name": "document_type", "required": True},
            "2.1": {"name": f"{kind}_number", "required": True},
            "3.1": "function",
        },
    }


_NOTES = {"loop": "notes", "of": [{"segment": "FTX", "elements": {"1": {"name": "subject", "required": True},
          "4.1": "text", "4.2": "text_more"}}]}  # fmt: skip
_REFERENCES = {
    "loop": "references",
    "of": [{"segment": "RFF", "elements": {"1.1": {"name": "qualifier", "required": True}, "1.2": "value"}}],
}
_PARTIES = {
    "loop": "parties",
    "most": 99,
    "of": [
        {
            "segment": "NAD",
            "required": True,
            "elements": {
                "1": {"name": "role", "required": True},
                "2.1": "id",
                "2.3": "id_agency",
                "4.1": "name",
                "5.1": "street",
                "6": "city",
                "8": "postal_code",
                "9": "country",
            },
        }
    ],
}
_CURRENCY = {"segment": "CUX", "match": {"1.1": "2"}, "elements": {"1.2": "currency"}}
_SECTION = {"segment": "UNS", "constants": {"1": "S"}}
_COUNT = {
    "segment": "CNT",
    "required": True,
    "match": {"1.1": "2"},
    "elements": {"1.2": {"count": "lines"}},
}


def _lines(quantity: str, *, status: str = "") -> dict[str, Any]:
    header: dict[str, Any] = {"1": "line", "3.1": "product", "3.2": "product_type"}
    if status:
        header["2"] = status
    return {
        "loop": "lines",
        "of": [
            {"segment": "LIN", "required": True, "elements": header},
            {"segment": "PIA", "match": {"1": "1"}, "elements": {"2.1": "other_product", "2.2": "other_product_type"}},
            {"segment": "IMD", "elements": {"1": "description_form", "3.4": "description"}},
            {
                "segment": "QTY",
                "match": {"1.1": quantity},
                "elements": {"1.2": {"name": "quantity", "type": "number"}, "1.3": "unit"},
            },
            _amount("203", "amount"),
            {"segment": "PRI", "match": {"1.1": "AAA"}, "elements": {"1.2": {"name": "price", "type": "number"}}},
        ],
    }


def _amount(qualifier: str, name: str) -> dict[str, Any]:
    return {
        "segment": "MOA",
        "match": {"1.1": qualifier},
        "elements": {"1.2": {"name": name, "type": "number"}},
    }


ORDERS: dict[str, Any] = {
    "message": "ORDERS",
    "standard": "edifact",
    "version": _VERSION,
    "segments": [
        _begin("order"),
        _date("137", "order_date", required=True),
        _date("2", "delivery_date"),
        _NOTES,
        _REFERENCES,
        _PARTIES,
        _CURRENCY,
        _lines("21"),
        _SECTION,
        _amount("79", "total"),
        _COUNT,
    ],
}

ORDRSP: dict[str, Any] = {
    "message": "ORDRSP",
    "standard": "edifact",
    "version": _VERSION,
    "segments": [
        _begin("answer"),
        _date("137", "answer_date", required=True),
        _date("2", "delivery_date"),
        _NOTES,
        _REFERENCES,
        _PARTIES,
        _CURRENCY,
        _lines("21", status="action"),
        _SECTION,
        _COUNT,
    ],
}

INVOIC: dict[str, Any] = {
    "message": "INVOIC",
    "standard": "edifact",
    "version": _VERSION,
    "segments": [
        _begin("invoice"),
        _date("137", "invoice_date", required=True),
        _NOTES,
        _REFERENCES,
        _PARTIES,
        _CURRENCY,
        _lines("47"),
        _SECTION,
        _COUNT,
        _amount("77", "total"),
        _amount("124", "tax"),
        _amount("125", "taxable"),
    ],
}
