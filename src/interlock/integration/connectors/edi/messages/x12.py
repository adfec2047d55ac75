"""Mappings of X12 messages: 850, 855 and 810."""

from __future__ import annotations

from typing import Any

_REFERENCES = {"loop": "references", "of": [{"segment": "REF", "elements": {"1": "qualifier", "2": "value"}}]}
_PARTIES = {
    "loop": "parties",
    "most": 200,
    "of": [
        {
            "segment": "N1",
            "required": True,
            "elements": {"1": {"name": "role", "required": True}, "2": "name", "3": "id_qualifier", "4": "id"},
        },
        {"segment": "N3", "elements": {"1": "street", "2": "street_more"}},
        {"segment": "N4", "elements": {"1": "city", "2": "state", "3": "postal_code", "4": "country"}},
    ],
}
_NOTES = {"loop": "notes", "of": [{"segment": "MSG", "elements": {"1": {"name": "text", "required": True}}}]}


def _line(tag: str, *, required: tuple[str, ...]) -> dict[str, Any]:
    members: dict[str, Any] = {
        "1": "line",
        "2": {"name": "quantity", "type": "number"},
        "3": "unit",
        "4": {"name": "price", "type": "number"},
        "6": "product_qualifier",
        "7": "product",
        "8": "other_product_qualifier",
        "9": "other_product",
    }
    for at, member in members.items():
        name = member if isinstance(member, str) else member["name"]
        if name in required:
            members[at] = {"type": "text", **(member if isinstance(member, dict) else {"name": name}), "required": True}
    return {"segment": tag, "required": True, "elements": members}


_DESCRIPTION = {"segment": "PID", "match": {"1": "F"}, "elements": {"5": "description"}}
_COUNT = {"segment": "CTT", "required": True, "elements": {"1": {"count": "lines"}}}

ORDER: dict[str, Any] = {
    "message": "850",
    "standard": "x12",
    "version": "004010",
    "group": "PO",
    "segments": [
        {
            "segment": "BEG",
            "required": True,
            "elements": {
                "1": {"name": "purpose", "required": True},
                "2": {"name": "order_type", "required": True},
                "3": {"name": "order_number", "required": True},
                "5": {"name": "order_date", "type": "date", "required": True},
            },
        },
        {"segment": "CUR", "constants": {"1": "BY"}, "elements": {"2": "currency"}},
        _REFERENCES,
        {"segment": "DTM", "match": {"1": "002"}, "elements": {"2": {"name": "delivery_date", "type": "date"}}},
        _NOTES,
        _PARTIES,
        {
            "loop": "lines",
            "required": True,
            "of": [_line("PO1", required=("quantity", "unit")), _DESCRIPTION],
        },
        _COUNT,
        {"segment": "AMT", "match": {"1": "TT"}, "elements": {"2": {"name": "total", "type": "number"}}},
    ],
}

ACKNOWLEDGEMENT: dict[str, Any] = {
    "message": "855",
    "standard": "x12",
    "version": "004010",
    "group": "PR",
    "segments": [
        {
            "segment": "BAK",
            "required": True,
            "elements": {
                "1": {"name": "purpose", "required": True},
                "2": {"name": "answer", "required": True},
                "3": {"name": "order_number", "required": True},
                "4": {"name": "order_date", "type": "date", "required": True},
                "8": "seller_order_number",
            },
        },
        _REFERENCES,
        _NOTES,
        _PARTIES,
        {
            "loop": "lines",
            "of": [
                _line("PO1", required=()),
                _DESCRIPTION,
                {
                    "loop": "answers",
                    "most": 104,
                    "of": [
                        {
                            "segment": "ACK",
                            "required": True,
                            "elements": {
                                "1": {"name": "status", "required": True},
                                "2": {"name": "quantity", "type": "number"},
                                "3": "unit",
                                "4": "date_qualifier",
                                "5": {"name": "date", "type": "date"},
                            },
                        }
                    ],
                },
            ],
        },
        _COUNT,
    ],
}

INVOICE: dict[str, Any] = {
    "message": "810",
    "standard": "x12",
    "version": "004010",
    "group": "IN",
    "segments": [
        {
            "segment": "BIG",
            "required": True,
            "elements": {
                "1": {"name": "invoice_date", "type": "date", "required": True},
                "2": {"name": "invoice_number", "required": True},
                "3": {"name": "order_date", "type": "date"},
                "4": "order_number",
            },
        },
        {"segment": "CUR", "constants": {"1": "SE"}, "elements": {"2": "currency"}},
        _REFERENCES,
        _NOTES,
        _PARTIES,
        {"loop": "lines", "required": True, "of": [_line("IT1", required=("quantity", "unit", "price")), _DESCRIPTION]},
        {
            "segment": "TDS",
            "required": True,
            "elements": {"1": {"name": "total", "type": "cents", "required": True}},
        },
        _COUNT,
    ],
}
